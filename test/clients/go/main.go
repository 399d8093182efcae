package main

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"
	pgxvec "github.com/pgvector/pgvector-go/pgx"
)

// What pgvector-go's documentation shows of pgx, on the extension vector.
func run(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, "")
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, sql := range []string{
		"CREATE EXTENSION IF NOT EXISTS vector",
		"DROP TABLE IF EXISTS go_items",
		"CREATE TABLE go_items (id bigserial PRIMARY KEY, embedding vector(3), half halfvec(3))",
	} {
		if _, err = conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err = pgxvec.RegisterTypes(ctx, conn); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "INSERT INTO go_items (embedding, half) VALUES ($1, $2), ($3, $4)",
		pgvector.NewVector([]float32{1, 2, 3}), pgvector.NewHalfVector([]float32{1, 2, 3}),
		pgvector.NewVector([]float32{4, 5, 6}), pgvector.NewHalfVector([]float32{4, 5, 6}))
	if err != nil {
		return err
	}
	_, err = conn.CopyFrom(ctx, pgx.Identifier{"go_items"}, []string{"embedding"},
		pgx.CopyFromRows([][]any{{pgvector.NewVector([]float32{7, 8, 9})}}))
	if err != nil {
		return err
	}
	if _, err = conn.Exec(ctx, "CREATE INDEX ON go_items USING hnsw (embedding vector_l2_ops)"); err != nil {
		return err
	}
	var v pgvector.Vector
	var h pgvector.HalfVector
	err = conn.QueryRow(ctx, "SELECT embedding, half FROM go_items ORDER BY embedding <-> $1 LIMIT 1",
		pgvector.NewVector([]float32{4, 5, 7})).Scan(&v, &h)
	if err != nil {
		return err
	}
	if v.String() != "[4,5,6]" || h.String() != "[4,5,6]" {
		return fmt.Errorf("found %s, %s", v, h)
	}
	return nil
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Printf("not ok 1 - pgx, pgvector-go\n# %v\n", err)
		os.Exit(1)
	}
	fmt.Println("ok 1 - pgx, pgvector-go")
}
