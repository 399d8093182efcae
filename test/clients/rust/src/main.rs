//! What pgvector-rust's documentation shows of rust-postgres and SQLx, on the extension vector.
use pgvector::Vector;
use sqlx::{Connection, PgConnection, Row};
use std::error::Error;

async fn tokio_postgres(url: &str) -> Result<(), Box<dyn Error>> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    client.execute("CREATE EXTENSION IF NOT EXISTS vector", &[]).await?;
    client.execute("CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3))", &[]).await?;
    for v in [vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]] {
        client.execute("INSERT INTO items (embedding) VALUES ($1)", &[&Vector::from(v)]).await?;
    }
    client.execute("CREATE INDEX ON items USING hnsw (embedding vector_l2_ops)", &[]).await?;
    let embedding = Vector::from(vec![4.0, 5.0, 7.0]);
    let row = client.query_one("SELECT * FROM items ORDER BY embedding <-> $1 LIMIT 1", &[&embedding]).await?;
    let found: Vector = row.get("embedding");
    assert_eq!(found.as_slice(), [4.0, 5.0, 6.0]);
    Ok(())
}

async fn sqlx(url: &str) -> Result<(), Box<dyn Error>> {
    let mut conn = PgConnection::connect(url).await?;
    sqlx::query("CREATE EXTENSION IF NOT EXISTS vector").execute(&mut conn).await?;
    sqlx::query("CREATE TABLE sqlx_items (id bigserial PRIMARY KEY, embedding vector(3))").execute(&mut conn).await?;
    for v in [vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]] {
        sqlx::query("INSERT INTO sqlx_items (embedding) VALUES ($1)").bind(Vector::from(v)).execute(&mut conn).await?;
    }
    let embedding = Vector::from(vec![4.0, 5.0, 7.0]);
    let row = sqlx::query("SELECT * FROM sqlx_items ORDER BY embedding <-> $1 LIMIT 1").bind(embedding).fetch_one(&mut conn).await?;
    let found: Vector = row.try_get("embedding")?;
    assert_eq!(found.as_slice(), [4.0, 5.0, 6.0]);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let url = std::env::var("DATABASE_URL").unwrap();
    for (name, result) in [("tokio-postgres, pgvector-rust", tokio_postgres(&url).await), ("SQLx, pgvector-rust", sqlx(&url).await)] {
        match result {
            Ok(()) => println!("ok - {name}"),
            Err(e) => println!("not ok - {name}\n# {e}"),
        }
    }
}
