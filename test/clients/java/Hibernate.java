import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.sql.DriverManager;
import java.util.Arrays;
import org.hibernate.annotations.Array;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.cfg.Configuration;
import org.hibernate.type.SqlTypes;

/** What Hibernate's documentation shows of its module for vectors, on the extension vector. */
public class Hibernate {
    @Entity(name = "Item")
    @Table(name = "items")
    public static class Item {
        @Id
        @GeneratedValue(strategy = GenerationType.IDENTITY)
        private Long id;

        @Column
        @JdbcTypeCode(SqlTypes.VECTOR)
        @Array(length = 3)
        private float[] embedding;

        public Item() {}

        public Item(float... embedding) {
            this.embedding = embedding;
        }
    }

    public static void main(String[] args) throws Exception {
        var url = System.getenv("JDBC_URL");
        try (var conn = DriverManager.getConnection(url)) {
            conn.createStatement().executeUpdate("CREATE EXTENSION IF NOT EXISTS vector");
        }
        var config = new Configuration().addAnnotatedClass(Item.class)
            .setProperty("hibernate.connection.url", url).setProperty("hibernate.hbm2ddl.auto", "create");
        try (var sessions = config.buildSessionFactory()) {
            sessions.inTransaction(session -> {
                session.persist(new Item(1, 2, 3));
                session.persist(new Item(4, 5, 6));
                session.createNativeMutationQuery("CREATE INDEX ON items USING hnsw (embedding vector_cosine_ops)").executeUpdate();
            });
            sessions.inSession(session -> {
                for (var distance : new String[] {"cosine_distance", "euclidean_distance", "l2_distance", "taxicab_distance",
                        "negative_inner_product"}) {
                    var found = session.createQuery("from Item order by " + distance + "(embedding, :e) limit 1", Item.class)
                        .setParameter("e", new float[] {4, 5, 7}).getSingleResult();
                    if (!Arrays.equals(found.embedding, new float[] {4, 5, 6}))
                        throw new AssertionError(distance + ": " + Arrays.toString(found.embedding));
                }
                var dims = session.createQuery("select vector_dims(embedding), vector_norm(embedding) from Item", Object[].class)
                    .setMaxResults(1).getSingleResult();
                if (((Number) dims[0]).intValue() != 3)
                    throw new AssertionError(Arrays.toString(dims));
            });
        }
    }
}
