// Client libraries of pgvector in Node on the extension vector, with code as their
// documentation shows it, each in a database of its own without any extension.
// TAP on stdout.
require('reflect-metadata');
const assert = require('assert');
const pg = require('pg');

const host = process.env.PGHOST;
const port = Number(process.env.PGPORT);
const user = process.env.PGUSER;

async function nodePostgres(database) {
  const pgvector = require('pgvector/pg');
  const client = new pg.Client({host, port, user, database});
  await client.connect();
  await client.query('CREATE EXTENSION IF NOT EXISTS vector');
  await pgvector.registerTypes(client);
  await client.query('CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3), half halfvec(3))');
  await client.query('INSERT INTO items (embedding, half) VALUES ($1, $2)', [pgvector.toSql([1, 2, 3]), pgvector.toSql([1, 2, 3])]);
  await client.query('CREATE INDEX ON items USING hnsw (embedding vector_l2_ops)');
  const {rows} = await client.query('SELECT * FROM items ORDER BY embedding <-> $1 LIMIT 5', [pgvector.toSql([3, 1, 2])]);
  assert.deepStrictEqual(rows[0].embedding, [1, 2, 3]);
  await client.end();
}

async function postgresJs(database) {
  const pgvector = require('pgvector');
  const sql = require('postgres')({path: `${host}/.s.PGSQL.${port}`, user, database, onnotice: () => {}});
  await sql`CREATE EXTENSION IF NOT EXISTS vector`;
  await sql`CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3))`;
  const items = [{embedding: pgvector.toSql([1, 2, 3])}, {embedding: pgvector.toSql([4, 5, 6])}];
  await sql`INSERT INTO items ${sql(items, 'embedding')}`;
  const rows = await sql`SELECT * FROM items ORDER BY embedding <-> ${pgvector.toSql([4, 5, 7])} LIMIT 5`;
  assert.deepStrictEqual(pgvector.fromSql(rows[0].embedding), [4, 5, 6]);
  await sql.end();
}

async function knex(database) {
  const pgvector = require('pgvector/knex');
  const db = require('knex')({client: 'pg', connection: {host, port, user, database}});
  await db.schema.createExtensionIfNotExists('vector');
  await db.schema.createTable('items', table => {
    table.increments('id');
    table.vector('embedding', 3);
    table.index(db.raw('embedding vector_l2_ops'), 'index_name', 'hnsw');
  });
  await db('items').insert([{embedding: pgvector.toSql([1, 2, 3])}, {embedding: pgvector.toSql([4, 5, 6])}]);
  const items = await db('items').orderBy(db.l2Distance('embedding', [4, 5, 7])).limit(5);
  assert.deepStrictEqual(pgvector.fromSql(items[0].embedding), [4, 5, 6]);
  await db.destroy();
}

async function kysely(database) {
  const pgvector = require('pgvector/kysely');
  const {Kysely, PostgresDialect, sql} = require('kysely');
  const db = new Kysely({dialect: new PostgresDialect({pool: new pg.Pool({host, port, user, database})})});
  await sql`CREATE EXTENSION IF NOT EXISTS vector`.execute(db);
  await db.schema.createTable('items').addColumn('id', 'serial', c => c.primaryKey()).addColumn('embedding', sql`vector(3)`).execute();
  await db.insertInto('items').values([{embedding: pgvector.toSql([1, 2, 3])}, {embedding: pgvector.toSql([4, 5, 6])}]).execute();
  await db.schema.createIndex('index_name').on('items').using('hnsw').expression(sql`embedding vector_l2_ops`).execute();
  const items = await db.selectFrom('items').selectAll().orderBy(pgvector.l2Distance('embedding', [4, 5, 7])).limit(5).execute();
  assert.deepStrictEqual(pgvector.fromSql(items[0].embedding), [4, 5, 6]);
  await db.destroy();
}

async function sequelize(database) {
  const {Sequelize, DataTypes} = require('sequelize');
  const pgvector = require('pgvector/sequelize');
  pgvector.registerTypes(Sequelize);
  const sequelize = new Sequelize(database, user, '', {host, port, dialect: 'postgres', logging: false});
  await sequelize.query('CREATE EXTENSION IF NOT EXISTS vector');
  const Item = sequelize.define('Item', {embedding: {type: DataTypes.VECTOR(3)}, half: {type: DataTypes.HALFVEC(3)}},
    {indexes: [{fields: ['embedding'], using: 'hnsw', operator: 'vector_l2_ops', name: 'i'}]});
  await Item.sync();
  await Item.bulkCreate([{embedding: [1, 2, 3], half: [1, 2, 3]}, {embedding: [4, 5, 6]}]);
  const items = await Item.findAll({order: pgvector.l2Distance('embedding', [4, 5, 7], sequelize), limit: 5});
  // it asks for the types when it connects, here before the extension was there
  const value = items[0].embedding;
  assert.deepStrictEqual(typeof value === 'string' ? JSON.parse(value) : value, [4, 5, 6]);
  await sequelize.close();
}

async function drizzle(database) {
  const {drizzle} = require('drizzle-orm/node-postgres');
  const {pgTable, serial, vector, halfvec} = require('drizzle-orm/pg-core');
  const {l2Distance, cosineDistance, sql} = require('drizzle-orm');
  const pool = new pg.Pool({host, port, user, database});
  const db = drizzle(pool);
  await db.execute(sql`CREATE EXTENSION IF NOT EXISTS vector`);
  const items = pgTable('items', {id: serial('id').primaryKey(), embedding: vector('embedding', {dimensions: 3}),
    half: halfvec('half', {dimensions: 3})});
  await db.execute(sql`CREATE TABLE items (id serial PRIMARY KEY, embedding vector(3), half halfvec(3))`);
  await db.execute(sql`CREATE INDEX ON items USING hnsw (embedding vector_cosine_ops)`);
  await db.insert(items).values([{embedding: [1, 2, 3], half: [1, 2, 3]}, {embedding: [4, 5, 6]}]);
  const found = await db.select().from(items).orderBy(l2Distance(items.embedding, [4, 5, 7])).limit(5);
  assert.deepStrictEqual(found[0].embedding, [4, 5, 6]);
  await db.select().from(items).orderBy(cosineDistance(items.embedding, [4, 5, 7])).limit(1);
  await pool.end();
}

async function typeorm(database) {
  const {DataSource, EntitySchema} = require('typeorm');
  const pgvector = require('pgvector');
  const Item = new EntitySchema({name: 'Item', columns: {id: {type: Number, primary: true, generated: true},
    embedding: {type: 'vector', length: 3}}});
  for (let run = 0; run < 2; run++) {   // the second time there is nothing to change
    const source = new DataSource({type: 'postgres', host, port, username: user, database, entities: [Item], synchronize: true});
    await source.initialize();
    const repository = source.getRepository('Item');
    if (run === 0) {
      await repository.save({embedding: pgvector.toSql([1, 2, 3])});
      await repository.save({embedding: pgvector.toSql([4, 5, 6])});
    }
    const [found] = await repository.createQueryBuilder('item').orderBy('embedding <-> :e').setParameters({e: pgvector.toSql([4, 5, 7])}).limit(1).getMany();
    const value = typeof found.embedding === 'string' ? pgvector.fromSql(found.embedding) : found.embedding;
    assert.deepStrictEqual(value, [4, 5, 6]);
    await source.destroy();
  }
}

// Only prisma migrate needs the program that its command line would download.
function prismaClient(database) {
  const {execFileSync} = require('child_process');
  const fs = require('fs');
  const place = `build/clients/${database}`;
  fs.mkdirSync(place, {recursive: true});
  fs.writeFileSync(`${place}/schema.prisma`, `
    generator client {
      provider        = "prisma-client-js"
      output          = "client"
      previewFeatures = ["postgresqlExtensions"]
    }
    datasource db {
      provider   = "postgresql"
      extensions = [vector]
    }
    model Item {
      id        Int                      @id @default(autoincrement())
      embedding Unsupported("vector(3)")?
      @@map("items")
    }`);
  execFileSync('npx', ['prisma', 'generate', '--schema', `${process.cwd()}/${place}/schema.prisma`],
    {cwd: 'build/clients', env: {...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1'}});
  return require(`${process.cwd()}/${place}/client`).PrismaClient;
}

async function prisma(database) {
  const pgvector = require('pgvector');
  const {PrismaPg} = require('@prisma/adapter-pg');
  const prisma = new (prismaClient(database))({adapter: new PrismaPg({host, port, user, database})});
  await prisma.$executeRaw`CREATE EXTENSION IF NOT EXISTS vector`;
  await prisma.$executeRaw`CREATE TABLE items (id serial PRIMARY KEY, embedding vector(3))`;
  await prisma.$executeRaw`CREATE INDEX ON items USING hnsw (embedding vector_l2_ops)`;
  for (const e of [[1, 2, 3], [4, 5, 6]]) {
    await prisma.$executeRaw`INSERT INTO items (embedding) VALUES (${pgvector.toSql(e)}::vector)`;
  }
  const [found] = await prisma.$queryRaw`SELECT id, embedding::text FROM items ORDER BY embedding <-> ${pgvector.toSql([4, 5, 7])}::vector LIMIT 5`;
  assert.deepStrictEqual(pgvector.fromSql(found.embedding), [4, 5, 6]);
  assert.strictEqual((await prisma.item.findUnique({where: {id: found.id}})).id, 2);
  await prisma.$disconnect();
}

const tests = [['node-postgres, pgvector-node', nodePostgres], ['postgres.js, pgvector-node', postgresJs], ['Knex', knex],
  ['Kysely', kysely], ['Sequelize', sequelize], ['Drizzle', drizzle], ['TypeORM', typeorm],
  ['Prisma', prisma]];

(async () => {
  const admin = new pg.Client({host, port, user, database: 'postgres'});
  let bad = 0;
  await admin.connect();
  for (const [i, [name, test]] of tests.entries()) {
    const database = `node_${test.name.toLowerCase()}`;
    await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    await admin.query(`CREATE DATABASE ${database}`);
    try {
      await test(database);
      console.log(`ok ${i + 1} - ${name}`);
    } catch (e) {
      bad++;
      console.log(`not ok ${i + 1} - ${name}`);
      console.log(String(e.stack || e).split('\n').map(l => '# ' + l).join('\n'));
    }
  }
  console.log(`1..${tests.length}`);
  await admin.end();
  process.exit(bad > 0 ? 1 : 0);
})();
