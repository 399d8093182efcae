import com.pgvector.PGhalfvec;
import com.pgvector.PGvector;
import java.sql.DriverManager;

/** What pgvector-java's documentation shows of JDBC, on the extension vector. */
public class Jdbc {
    public static void main(String[] args) throws Exception {
        try (var conn = DriverManager.getConnection(System.getenv("JDBC_URL"))) {
            conn.createStatement().executeUpdate("CREATE EXTENSION IF NOT EXISTS vector");
            PGvector.registerTypes(conn);
            conn.createStatement().executeUpdate(
                "CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3), half halfvec(3))");
            var insert = conn.prepareStatement("INSERT INTO items (embedding, half) VALUES (?, ?)");
            for (float[] v : new float[][] {{1, 2, 3}, {4, 5, 6}}) {
                insert.setObject(1, new PGvector(v));
                insert.setObject(2, new PGhalfvec(v));
                insert.addBatch();
            }
            insert.executeBatch();
            conn.createStatement().executeUpdate("CREATE INDEX ON items USING hnsw (embedding vector_l2_ops)");
            var query = conn.prepareStatement("SELECT embedding, half FROM items ORDER BY embedding <-> ? LIMIT 5");
            for (int i = 0; i < 10; i++) {      // after five times the driver goes over to binary
                query.setObject(1, new PGvector(new float[] {4, 5, 7}));
                var rows = query.executeQuery();
                rows.next();
                var found = rows.getObject(1) + " " + rows.getObject(2);
                if (!found.equals("[4.0,5.0,6.0] [4.0,5.0,6.0]") && !found.equals("[4,5,6] [4,5,6]"))
                    throw new AssertionError(found);
            }
        }
    }
}
