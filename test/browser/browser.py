"""Pages in a browser: the framework of test_*.py, and what runs them.

A test is a class of methods test_...:

    class Neighbors(PageTest):
        def test_filter(self):
            self.open("SELECT similarity.report_html('glyphs', 'neighbors')")
            self.click('button', 'nearest is wrong')
            self.assertEqual(self.number('.tools span'), self.value('SELECT ...'))
            self.shoot('neighbors')

Every page is checked at the end of a test: no message of the console, nothing
fetched.  Errors of scripts, also in what a click runs, fail the test that made
them.  data.sql makes the galleries; a class may run SQL of its own in a method
prepare(cls), once.
"""

import base64
import glob
import os
import re
import sys
import unittest

import psycopg2
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(os.getcwd(), 'build', 'browser')
WIDE, NARROW = (1200, 900), (400, 800)

driver = None
connection = None


def start():
    """A browser, and a database with the galleries of data.sql."""
    global driver, connection
    options = webdriver.ChromeOptions()
    options.binary_location = '/usr/bin/chromium'
    for flag in ('headless=new', 'no-sandbox', 'disable-gpu', 'disable-dev-shm-usage', 'hide-scrollbars',
                 'force-device-scale-factor=1', 'user-data-dir=' + os.path.join(OUT, 'profile')):
        options.add_argument('--' + flag)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
    driver = webdriver.Chrome(service=webdriver.chrome.service.Service('/usr/bin/chromedriver'), options=options)
    connection = psycopg2.connect('')
    connection.autocommit = True
    with open(os.path.join(HERE, 'data.sql')) as file:
        connection.cursor().execute(file.read())


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.prepare()

    @classmethod
    def prepare(cls):
        pass

    # ---- SQL ----

    @classmethod
    def rows(cls, sql, *arguments):
        cursor = connection.cursor()
        cursor.execute(sql, arguments or None)
        return cursor.fetchall() if cursor.description else []

    @classmethod
    def value(cls, sql, *arguments):
        return cls.rows(sql, *arguments)[0][0]

    # ---- the page ----

    def open(self, sql, *arguments, size=WIDE, dark=False):
        """Open the page that a query returns; returns its length."""
        page = self.value(sql, *arguments)
        name = os.path.join(OUT, 'pages', self.id().split('.')[-1] + '.html')
        with open(name, 'w') as file:
            file.write(page)
        self.look(size, dark)
        driver.get('file://' + name)
        return len(page)

    def look(self, size, dark):
        driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride',
                               {'width': size[0], 'height': size[1], 'deviceScaleFactor': 1, 'mobile': False})
        driver.execute_cdp_cmd('Emulation.setEmulatedMedia',
                               {'features': [{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}]})

    def all(self, selector, text=None):
        found = driver.find_elements(By.CSS_SELECTOR, selector)
        return [e for e in found if text is None or e.text.strip() == text]

    def one(self, selector, text=None):
        found = self.all(selector, text)
        self.assertNotEqual(found, [], f'{selector} {text or ""}')
        return found[0]

    def shown(self, selector):
        return [e for e in self.all(selector) if e.is_displayed()]

    def text(self, selector):
        return self.one(selector).text

    def numbers(self, text):
        """The numbers of a text, thousands commas or not."""
        return [float(n.replace(',', '')) for n in re.findall(r'\d[\d,]*(?:\.\d+)?', text.replace('\u2212', '-'))]

    def click(self, selector, text=None):
        element = self.one(selector, text)
        driver.execute_script('arguments[0].scrollIntoView({block: "center"})', element)
        element.click()
        return element

    def hover(self, element, x=0, y=0):
        """Point at the middle of an element, or so far from it."""
        driver.execute_script('arguments[0].scrollIntoView({block: "center"})', element)
        webdriver.ActionChains(driver).move_to_element_with_offset(element, x, y).perform()

    def drag(self, element, x, y=0):
        driver.execute_script('arguments[0].scrollIntoView({block: "center"})', element)
        webdriver.ActionChains(driver).click_and_hold(element).move_by_offset(x, y).release().perform()

    def press(self, *keys):
        """Keys ('ARROW_RIGHT', 'a') to what has the focus."""
        actions = webdriver.ActionChains(driver)
        for key in keys:
            actions = actions.send_keys(getattr(Keys, key, key))
        actions.perform()

    def script(self, text, *arguments):
        return driver.execute_script(text, *arguments)

    def shoot(self, name):
        """NAME-{light,dark}-{wide,narrow}.png of the page from its top."""
        for size, how in ((WIDE, 'wide'), (NARROW, 'narrow')):
            for dark in (False, True):
                self.look(size, dark)
                self.script('return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))')
                self.assertLessEqual(self.script('return document.documentElement.scrollWidth'), size[0], f'{name} fits into {size[0]} pixels')
                height = min(self.script('return document.documentElement.scrollHeight'), 6000)
                shot = driver.execute_cdp_cmd('Page.captureScreenshot', {
                    'captureBeyondViewport': True,
                    'clip': {'x': 0, 'y': 0, 'width': size[0], 'height': height, 'scale': 1}})
                with open(os.path.join(OUT, f'{name}-{"dark" if dark else "light"}-{how}.png'), 'wb') as file:
                    file.write(base64.b64decode(shot['data']))
        self.look(WIDE, False)

    def setUp(self):
        driver.get('about:blank')
        driver.get_log('browser'), driver.get_log('performance')

    def tearDown(self):
        messages = [m for m in driver.get_log('browser') if m['level'] in ('SEVERE', 'WARNING')]
        requests = [r for r in re.findall(r'"url":"(\w+:[^"]{0,60})', str([m['message'] for m in driver.get_log('performance') if 'requestWillBeSent"' in m['message']]))
                    if not r.startswith(('file:', 'data:', 'about:'))]
        self.assertEqual(messages, [], 'messages of the console')
        self.assertEqual(requests, [], 'what the page asked for')


class Tap(unittest.TestResult):
    n = 0

    def line(self, word, test, trouble=None):
        self.n += 1
        print(f'{word} {self.n} - {".".join(test.id().split(".")[-3:])}', flush=True)
        for line in (trouble or '').splitlines():
            print('# ' + line, flush=True)

    def addSuccess(self, test):
        self.line('ok', test)

    def addError(self, test, error):
        super().addError(test, error)
        self.line('not ok', test, self.errors[-1][1])

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.line('not ok', test, self.failures[-1][1])


def main(names):
    sys.path.insert(0, HERE)
    sys.modules['browser'] = sys.modules['__main__']
    suite = unittest.TestSuite()
    for file in sorted(glob.glob(os.path.join(HERE, 'test_*.py'))):
        name = os.path.basename(file)[5:-3]
        if not names or name in names:
            suite.addTests(unittest.defaultTestLoader.loadTestsFromName('test_' + name))
    start()
    result = Tap()
    try:
        suite.run(result)
    finally:
        driver.quit()
    print(f'1..{result.n}')
    return 0 if result.wasSuccessful() else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
