"""Client libraries and frameworks of pgvector on the extension vector.

Each function is code as the library's documentation shows it, with nothing of
ours in it, in a database of its own that has no extension yet.  Vectors are
small and made here, so that no model is loaded.  TAP on stdout.
"""
import asyncio
import os
import sys
import traceback

os.environ.setdefault('OPENAI_API_KEY', 'none')
os.environ.setdefault('MEM0_TELEMETRY', 'False')
os.environ.setdefault('HAYSTACK_TELEMETRY_ENABLED', 'False')

HOST, PORT, USER = os.environ['PGHOST'], os.environ['PGPORT'], os.environ['PGUSER']


def url(driver, database):
    return f'postgresql{driver}://{USER}@/{database}?host={HOST}&port={PORT}'


def vector_of(text):
    """An embedding of a text, by its letters"""
    return [float(text.count(c)) + 0.01 for c in 'abcdefgh']


def numbers(value):
    """The numbers of a value, whatever class the library's version has for it"""
    return value.to_list() if hasattr(value, 'to_list') else list(value)


# ---- pgvector's own client library ----

def psycopg_3(database):
    import numpy as np
    import psycopg
    from pgvector.psycopg import register_vector
    try:
        from pgvector import Bit, HalfVector
    except ImportError:         # before 0.4
        from pgvector.psycopg import Bit, HalfVector
    conn = psycopg.connect(dbname=database, autocommit=True)
    conn.execute('CREATE EXTENSION IF NOT EXISTS vector')
    register_vector(conn)
    conn.execute('CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3), half halfvec(3), bits bit(3))')
    conn.execute('INSERT INTO items (embedding, half, bits) VALUES (%s, %s, %s), (%s, %s, %s)',
                 (np.array([1, 2, 3]), HalfVector([1, 2, 3]), Bit('101'), np.array([4, 5, 6]), HalfVector([4, 5, 6]), Bit('111')))
    with conn.cursor(binary=True).copy('COPY items (embedding, half) FROM STDIN WITH (FORMAT BINARY)') as copy:
        copy.set_types(['vector', 'halfvec'])
        copy.write_row([np.array([7, 8, 9]), HalfVector([7, 8, 9])])
    conn.execute('CREATE INDEX ON items USING hnsw (embedding vector_l2_ops)')
    conn.execute('CREATE INDEX ON items USING ivfflat (embedding vector_cosine_ops) WITH (lists = 100)')
    conn.execute('CREATE INDEX ON items USING hnsw (bits bit_hamming_ops)')
    for binary in (False, True):
        row = conn.execute('SELECT embedding, half FROM items ORDER BY embedding <-> %s LIMIT 1', (np.array([1, 2, 4]),),
                           binary=binary).fetchone()
        assert numbers(row[0]) == [1, 2, 3] and numbers(row[1]) == [1, 2, 3], row
    assert conn.execute('SELECT bits FROM items ORDER BY bits <~> %s LIMIT 1', (Bit('101'),)).fetchone() is not None
    assert numbers(conn.execute('SELECT avg(embedding) FROM items').fetchone()[0]) == [4, 5, 6]


def psycopg_2(database):
    import numpy as np
    import psycopg2
    from pgvector.psycopg2 import register_vector
    conn = psycopg2.connect(dbname=database)
    cur = conn.cursor()
    cur.execute('CREATE EXTENSION IF NOT EXISTS vector')
    register_vector(conn)
    cur.execute('CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3))')
    cur.execute('INSERT INTO items (embedding) VALUES (%s), (%s)', (np.array([1, 2, 3]), np.array([4, 5, 6])))
    cur.execute('SELECT embedding FROM items ORDER BY embedding <-> %s LIMIT 1', (np.array([4, 5, 7]),))
    assert numbers(cur.fetchone()[0]) == [4, 5, 6]
    conn.commit()


def asyncpg(database):
    import asyncpg
    import numpy as np
    from pgvector.asyncpg import register_vector

    async def work():
        conn = await asyncpg.connect(database=database)
        await conn.execute('CREATE EXTENSION IF NOT EXISTS vector')
        await register_vector(conn)
        await conn.execute('CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3))')
        await conn.execute('INSERT INTO items (embedding) VALUES ($1), ($2)', np.array([1, 2, 3]), np.array([4, 5, 6]))
        await conn.copy_records_to_table('items', records=[(np.array([7, 8, 9]),)], columns=['embedding'])
        row = await conn.fetchrow('SELECT embedding FROM items ORDER BY embedding <-> $1 LIMIT 1', np.array([7, 8, 8]))
        assert numbers(row['embedding']) == [7, 8, 9]
        await conn.close()
    asyncio.run(work())


def sqlalchemy(database):
    from pgvector.sqlalchemy import HALFVEC, VECTOR
    from sqlalchemy import Index, create_engine, func, select, text
    from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

    class Base(DeclarativeBase):
        pass

    class Item(Base):
        __tablename__ = 'item'
        id = mapped_column(__import__('sqlalchemy').Integer, primary_key=True)
        embedding = mapped_column(VECTOR(3))
        half = mapped_column(HALFVEC(3))
        __table_args__ = (Index('my_index', 'embedding', postgresql_using='hnsw',
                                postgresql_with={'m': 16, 'ef_construction': 64},
                                postgresql_ops={'embedding': 'vector_l2_ops'}),)
    for driver in ('+psycopg', '+psycopg2'):
        engine = create_engine(url(driver, database))
        with Session(engine) as session:
            session.execute(text('CREATE EXTENSION IF NOT EXISTS vector'))
            session.commit()
            Base.metadata.drop_all(engine)
            Base.metadata.create_all(engine)
            session.add_all([Item(embedding=[1, 2, 3], half=[1, 2, 3]), Item(embedding=[4, 5, 6], half=[4, 5, 6])])
            session.commit()
            found = session.scalars(select(Item).order_by(Item.embedding.l2_distance([4, 5, 7])).limit(1)).one()
            assert numbers(found.embedding) == [4, 5, 6]
            assert session.scalars(select(Item.embedding.cosine_distance([1, 2, 3])).order_by(Item.id)).first() < 1e-6
            assert session.scalars(select(func.avg(Item.embedding))).one() is not None
            session.scalars(select(Item).order_by(Item.half.max_inner_product([1, 1, 1])).limit(1)).one()
        engine.dispose()


def sqlmodel(database):
    from pgvector.sqlalchemy import VECTOR
    from sqlmodel import Field, Session, SQLModel, create_engine, select, text
    from typing import Any

    class SqlmodelItem(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        embedding: Any = Field(sa_type=VECTOR(3))
    engine = create_engine(url('+psycopg', database))
    with Session(engine) as session:
        session.exec(text('CREATE EXTENSION IF NOT EXISTS vector'))
        session.commit()
        SQLModel.metadata.create_all(engine)
        session.add(SqlmodelItem(embedding=[1, 2, 3]))
        session.commit()
        found = session.exec(select(SqlmodelItem).order_by(SqlmodelItem.embedding.l2_distance([3, 1, 2])).limit(5)).all()
        assert len(found) == 1
    engine.dispose()


def django(database):
    from django.conf import settings
    import django
    settings.configure(DATABASES={'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': database, 'USER': USER,
                                              'HOST': HOST, 'PORT': PORT}}, INSTALLED_APPS=['django.contrib.postgres'])
    django.setup()
    from django.db import connection, migrations, models
    from django.db.models import Avg
    from django.db.migrations.state import ProjectState
    from pgvector.django import CosineDistance, HalfVectorField, HnswIndex, L2Distance, VectorExtension, VectorField

    class Item(models.Model):
        embedding = VectorField(dimensions=3)
        half = HalfVectorField(dimensions=3, null=True)

        class Meta:
            app_label = 'shop'
            indexes = [HnswIndex(name='item_index', fields=['embedding'], m=16, ef_construction=64,
                                 opclasses=['vector_l2_ops'])]

    class Migration(migrations.Migration):
        initial = True
        operations = [
            VectorExtension(),
            migrations.CreateModel('Item', [('id', models.BigAutoField(primary_key=True)),
                                            ('embedding', VectorField(dimensions=3)),
                                            ('half', HalfVectorField(dimensions=3, null=True))]),
            migrations.AddIndex('Item', HnswIndex(name='item_index', fields=['embedding'], m=16, ef_construction=64,
                                                  opclasses=['vector_l2_ops']))]
    with connection.schema_editor() as editor:
        Migration('one', 'shop').apply(ProjectState(), editor)
    Item.objects.create(embedding=[1, 2, 3], half=[1, 2, 3])
    Item.objects.bulk_create([Item(embedding=[4, 5, 6])])
    assert numbers(Item.objects.order_by(L2Distance('embedding', [4, 5, 7])).first().embedding) == [4, 5, 6]
    assert Item.objects.annotate(d=CosineDistance('embedding', [1, 2, 3])).filter(d__lt=0.001).count() == 1
    assert numbers(Item.objects.aggregate(Avg('embedding'))['embedding__avg']) == [2.5, 3.5, 4.5]
    connection.close()


def peewee(database):
    from peewee import Model, PostgresqlDatabase
    from pgvector.peewee import VectorField
    db = PostgresqlDatabase(database)

    class Item(Model):
        embedding = VectorField(dimensions=3)

        class Meta:
            database = db
    db.execute_sql('CREATE EXTENSION IF NOT EXISTS vector')
    Item.add_index('embedding vector_l2_ops', using='hnsw')
    db.create_tables([Item])
    Item.create(embedding=[1, 2, 3])
    Item.create(embedding=[4, 5, 6])
    assert numbers(Item.select().order_by(Item.embedding.l2_distance([4, 5, 7])).get().embedding) == [4, 5, 6]
    db.close()


# ---- frameworks ----

def fake_embeddings():
    from langchain_core.embeddings import Embeddings

    class Fake(Embeddings):
        def embed_documents(self, texts):
            return [vector_of(t) for t in texts]

        def embed_query(self, text):
            return vector_of(text)
    return Fake()


def langchain_pgvector(database):
    from langchain_core.documents import Document
    from langchain_postgres import PGVector
    store = PGVector(embeddings=fake_embeddings(), collection_name='docs', connection=url('+psycopg', database),
                     use_jsonb=True, embedding_length=8)
    store.add_documents([Document(page_content='abba', metadata={'n': 1}), Document(page_content='decade', metadata={'n': 2})],
                        ids=['1', '2'])
    assert store.similarity_search('decaded', k=1)[0].page_content == 'decade'
    assert store.similarity_search_with_score('abba', k=1, filter={'n': {'$eq': 1}})[0][1] < 1e-6
    store.delete(['1'])
    assert len(store.max_marginal_relevance_search('abba', k=2)) == 1


def langchain_pgvectorstore(database):
    from langchain_core.documents import Document
    from langchain_postgres import PGEngine, PGVectorStore
    from langchain_postgres.v2.indexes import DistanceStrategy, HNSWIndex, HNSWQueryOptions, IVFFlatIndex
    engine = PGEngine.from_connection_string(url=url('+psycopg', database))
    engine.init_vectorstore_table(table_name='docs', vector_size=8)
    store = PGVectorStore.create_sync(engine=engine, table_name='docs', embedding_service=fake_embeddings(),
                                      index_query_options=HNSWQueryOptions(ef_search=64))
    store.add_documents([Document(page_content='abba'), Document(page_content='decade')])
    store.apply_vector_index(HNSWIndex(name='docs_hnsw', distance_strategy=DistanceStrategy.COSINE_DISTANCE, m=16, ef_construction=64))
    assert store.similarity_search('decaded', k=1)[0].page_content == 'decade'
    store.drop_vector_index('docs_hnsw')
    store.apply_vector_index(IVFFlatIndex(name='docs_ivf', distance_strategy=DistanceStrategy.COSINE_DISTANCE, lists=10))
    assert store.similarity_search('abb', k=1)[0].page_content == 'abba'


def llama(database, **options):
    from llama_index.core.schema import TextNode
    from llama_index.core.vector_stores import VectorStoreQuery
    from llama_index.core.vector_stores.types import VectorStoreQueryMode
    from llama_index.vector_stores.postgres import PGVectorStore
    store = PGVectorStore(connection_string=url('+psycopg2', database), async_connection_string=url('+asyncpg', database),
                          table_name='docs', embed_dim=8, **options)
    store.add([TextNode(id_=t, text=t, embedding=vector_of(t)) for t in ('abba', 'decade')])
    found = store.query(VectorStoreQuery(query_embedding=vector_of('decaded'), similarity_top_k=1))
    assert found.ids == ['decade'], found
    if options.get('hybrid_search'):
        found = store.query(VectorStoreQuery(query_embedding=vector_of('abba'), query_str='abba', similarity_top_k=2,
                                             sparse_top_k=2, mode=VectorStoreQueryMode.HYBRID))
        assert 'abba' in found.ids


def llamaindex(database):
    llama(database)


HNSW = {'hnsw_m': 16, 'hnsw_ef_construction': 64, 'hnsw_ef_search': 40, 'hnsw_dist_method': 'vector_cosine_ops'}


def llamaindex_hnsw(database):
    llama(database, hnsw_kwargs=HNSW)


def llamaindex_hybrid(database):
    llama(database, hybrid_search=True, text_search_config='english')


def llamaindex_half(database):
    llama(database, use_halfvec=True, hnsw_kwargs={**HNSW, 'hnsw_dist_method': 'halfvec_cosine_ops'})


def haystack(database):
    from haystack.dataclasses import Document
    from haystack.utils import Secret
    from haystack_integrations.components.retrievers.pgvector import PgvectorEmbeddingRetriever
    from haystack_integrations.document_stores.pgvector import PgvectorDocumentStore
    for vector_type in ('vector', 'halfvec'):
        store = PgvectorDocumentStore(connection_string=Secret.from_token(f'dbname={database}'), table_name='docs_' + vector_type,
                                      embedding_dimension=8, vector_type=vector_type, search_strategy='hnsw',
                                      vector_function='cosine_similarity', hnsw_index_name='i_' + vector_type,
                                      keyword_index_name='k_' + vector_type,
                                      hnsw_ef_search=50, recreate_table=True)
        store.write_documents([Document(content=t, embedding=vector_of(t)) for t in ('abba', 'decade')])
        found = PgvectorEmbeddingRetriever(document_store=store, top_k=1).run(query_embedding=vector_of('decaded'))
        assert found['documents'][0].content == 'decade'


def mem0(database):
    from mem0.vector_stores.pgvector import PGVector
    store = PGVector(dbname=database, collection_name='memories', embedding_model_dims=8, user=None, password=None, host=None,
                     port=None, diskann=False, hnsw=True, connection_string=url('', database))
    ids = ['00000000-0000-0000-0000-00000000000' + n for n in '12']
    store.insert(vectors=[vector_of('abba'), vector_of('decade')], payloads=[{'data': 'abba'}, {'data': 'decade'}], ids=ids)
    found = store.search(query='decaded', vectors=vector_of('decaded'), top_k=1)
    assert found[0].payload['data'] == 'decade', found


def langgraph(database):
    from langgraph.store.postgres import PostgresStore
    with PostgresStore.from_conn_string(f'dbname={database}', index={
            'dims': 8, 'embed': fake_embeddings(), 'ann_index_config': {'kind': 'hnsw', 'vector_type': 'vector'}}) as store:
        store.setup()
        store.put(('users',), 'a', {'text': 'abba'})
        store.put(('users',), 'd', {'text': 'decade'})
        assert store.search(('users',), query='decaded', limit=1)[0].key == 'd'


def vecs(database):
    import vecs
    import psycopg
    # It asks what can be installed, where PostgreSQL does not look into the stage
    # that the private cluster takes extensions from.
    with psycopg.connect(dbname=database, autocommit=True) as conn:
        conn.execute('CREATE SCHEMA stage')
        conn.execute("CREATE VIEW stage.pg_available_extensions AS SELECT 'vector'::name AS name,"
                     " '0.8.99' AS default_version, '0.8.99' AS installed_version, '' AS comment")
        conn.execute(f'ALTER DATABASE {database} SET search_path = stage, pg_catalog, public')
    client = vecs.create_client(url('', database))
    docs = client.get_or_create_collection(name='docs', dimension=8)
    docs.upsert(records=[(t, vector_of(t), {'n': len(t)}) for t in ('abba', 'decade')])
    docs.create_index(method=vecs.IndexMethod.hnsw, measure=vecs.IndexMeasure.cosine_distance)
    assert docs.query(data=vector_of('decaded'), limit=1, filters={'n': {'$gt': 2}}) == ['decade']
    assert client.get_collection('docs').dimension == 8
    client.disconnect()


TESTS = [('psycopg 3, pgvector-python', psycopg_3), ('psycopg2, pgvector-python', psycopg_2),
         ('asyncpg, pgvector-python', asyncpg), ('SQLAlchemy', sqlalchemy), ('SQLModel', sqlmodel), ('Django', django),
         ('peewee', peewee), ('LangChain PGVector', langchain_pgvector), ('LangChain PGVectorStore', langchain_pgvectorstore),
         ('LlamaIndex', llamaindex), ('LlamaIndex hnsw', llamaindex_hnsw), ('LlamaIndex hybrid', llamaindex_hybrid),
         ('LlamaIndex halfvec', llamaindex_half), ('Haystack', haystack), ('Mem0', mem0), ('LangGraph store', langgraph),
         ('vecs', vecs)]


def main():
    import psycopg
    conn = psycopg.connect(dbname='postgres', autocommit=True)
    bad = 0
    chosen = [t for t in TESTS if len(sys.argv) < 2 or t[1].__name__ in sys.argv[1:]]
    for n, (name, test) in enumerate(chosen, 1):
        conn.execute(f'DROP DATABASE IF EXISTS {test.__name__} WITH (FORCE)')
        conn.execute(f'CREATE DATABASE {test.__name__}')
        try:
            test(test.__name__)
            print(f'ok {n} - {name}', flush=True)
        except Exception:
            bad += 1
            print(f'not ok {n} - {name}', flush=True)
            print('\n'.join('# ' + line for line in traceback.format_exc().splitlines()[-12:]), flush=True)
    print(f'1..{len(chosen)}')
    sys.exit(bad > 0)


main()
