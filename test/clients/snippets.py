"""Run each snippet of docs/clients.md of one language, as TAP.

A snippet is a block of code with the language's name.  It finds the server by the
environment, has the table of the document, and must leave in "nearest" the row that
is labelled "a", or "b" for the one that says [4,5,7].
"""
import os
import re
import subprocess
import sys

DATABASE = 'snippets'
CHECKS = {
    'python': '''
def label(row):
    row = row.iloc[0].to_dict() if hasattr(row, 'iloc') else row
    for get in (lambda: row['label'], lambda: row.label, lambda: row[0]):
        try:
            return get()
        except (TypeError, KeyError, AttributeError):
            pass
assert label(nearest) == %r, nearest
''',
    'javascript': "\nrequire('assert').strictEqual(nearest.label, %r);\n",
}


def snippets(language):
    """Pairs of what is before a block, and the block"""
    with open('docs/clients.md') as f:
        text = f.read()
    return re.findall(r'([^\n]+):\n\n```%s\n(.*?)```' % language, text, re.S), re.search(r'```sql\n(.*?)```', text, re.S).group(1)


def psql(database, *statements):
    subprocess.run(['psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', database] + [a for s in statements for a in ('-c', s)], check=True)


def run(language, code):
    check = CHECKS[language] % ('b' if '[4,5,7]' in code else 'a')
    if language == 'python':
        command, source = [sys.executable, '-'], code + check
    else:
        command = ['node', '-']
        source = f'(async () => {{\n{code}{check}}})().catch(e => {{ console.error(e); process.exit(1); }});'
    return subprocess.run(command, input=source, text=True, capture_output=True, timeout=120,
                          env={**os.environ, 'PGDATABASE': DATABASE})


def main():
    language = sys.argv[1]
    blocks, table = snippets(language)
    bad = 0
    for n, (name, code) in enumerate(blocks, 1):
        psql('postgres', f'DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)', f'CREATE DATABASE {DATABASE}')
        psql(DATABASE, 'CREATE EXTENSION similarity', table)
        done = run(language, code)
        bad += done.returncode != 0
        print(f'{"ok" if done.returncode == 0 else "not ok"} {n} - docs/clients.md: {name}', flush=True)
        if done.returncode != 0:
            print('\n'.join('# ' + line for line in done.stderr.splitlines()[-12:]), flush=True)
    print(f'1..{len(blocks)}')
    sys.exit(bad > 0)


main()
