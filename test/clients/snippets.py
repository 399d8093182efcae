"""Run each snippet of docs/clients.md in the languages given, as TAP.

A snippet is a block of code with the language's name.  It finds the server by the
environment and has the table of the document, and Prisma's schema.  Python and
JavaScript leave in "nearest" the row that is labelled "a", or "b" for one that says
[4,5,7]; Java, Go and Rust are whole programs, which print that label.
"""
import os
import re
import subprocess
import sys

DATABASE = 'snippets'
PLACE = 'build/clients'
PRINTS = {
    'python': '''
def label(row):
    row = row.iloc[0].to_dict() if hasattr(row, 'iloc') else row
    for get in (lambda: row['label'], lambda: row.label, lambda: row[0]):
        try:
            return get()
        except (TypeError, KeyError, AttributeError):
            pass
print(label(nearest))
''',
    'javascript': '\nconsole.log(nearest.label);\n',
}


def snippets(language):
    """The document's table, and pairs of what is before a block and the block"""
    with open('docs/clients.md') as f:
        text = f.read()
    blocks = re.findall(r'([^\n]+):\n\n```%s\n(.*?)```' % language, text, re.S)
    return re.search(r'```sql\n(.*?)```', text, re.S).group(1), blocks


def psql(database, *statements):
    subprocess.run(['psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', database] + [a for s in statements for a in ('-c', s)], check=True)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(text)


def python(code):
    return [sys.executable, '-c', code + PRINTS['python']]


def prisma():
    """Its client is generated, from the document's schema"""
    with open('docs/clients.md') as f:
        schema = re.search(r'```prisma\n(.*?)```', f.read(), re.S).group(1)
    write(f'{PLACE}/schema.prisma', schema)
    # Only prisma migrate needs the program that its command line would download.
    subprocess.run(['npx', 'prisma', 'generate', '--schema', 'schema.prisma'], cwd=PLACE, check=True, capture_output=True,
                   env={**os.environ, 'PRISMA_SCHEMA_ENGINE_BINARY': sys.executable, 'CHECKPOINT_DISABLE': '1'})


def javascript(code):
    if '@prisma/client' in code:
        prisma()
    body = code + PRINTS['javascript']
    return ['node', '-e', f'(async () => {{\n{body}}})().catch(e => {{ console.error(e); process.exit(1); }});']


def java(code):
    name = re.search(r'public class (\w+)', code).group(1)
    write(f'{PLACE}/java/snippets/{name}.java', code)
    return ['sh', '-c', f'cd {PLACE}/java/snippets && javac -cp "$CLASSPATH" {name}.java && java -cp "$CLASSPATH:." {name}']


def go(code):
    write(f'{PLACE}/go/snippet/main.go', code)
    return ['sh', '-c', f'cd {PLACE}/go && go run ./snippet']


def rust(code):
    write(f'{PLACE}/rust/src/bin/snippet.rs', code)
    return ['sh', '-c', f'cd {PLACE}/rust && cargo run -q --bin snippet']


def run(language, code):
    done = subprocess.run(globals()[language](code), text=True, capture_output=True, timeout=900,
                          env={**os.environ, **addresses(DATABASE)})
    wanted = 'b' if '[4,5,7]' in code else 'a'
    return done.returncode == 0 and done.stdout.split()[-1:] == [wanted], done.stderr + done.stdout


def addresses(database):
    """The server as each driver wants to be told: a socket, since it listens at no port"""
    host, port, user = os.environ['PGHOST'], os.environ['PGPORT'], os.environ['PGUSER']
    return {'PGDATABASE': database,
            'DATABASE_URL': f'postgresql:///{database}?host={host}&port={port}&user={user}',
            'JDBC_URL': f'jdbc:postgresql://localhost/{database}?user={user}&sslmode=disable'
                        '&socketFactory=org.newsclub.net.unix.AFUNIXSocketFactory$FactoryArg'
                        f'&socketFactoryArg={host}/.s.PGSQL.{port}'}


def main():
    n = bad = 0
    for language in sys.argv[1:]:
        table, blocks = snippets(language)
        for name, code in blocks:
            n += 1
            psql('postgres', f'DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)', f'CREATE DATABASE {DATABASE}')
            psql(DATABASE, 'CREATE EXTENSION similarity', table)
            ok, output = run(language, code)
            bad += not ok
            print(f'{"ok" if ok else "not ok"} {n} - docs/clients.md: {name}', flush=True)
            if not ok:
                print('\n'.join('# ' + line for line in output.splitlines()[-12:]), flush=True)
    print(f'1..{n}')
    sys.exit(bad > 0)


if __name__ == '__main__':
    main()
