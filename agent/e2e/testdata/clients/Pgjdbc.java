import java.io.StringWriter;
import java.sql.*;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.PGStatement;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** pgjdbc: metadata, parameters, a named statement and binary transfer from the fifth execution on, row-limited portals. */
class Pgjdbc {
  static final String THEN = System.getenv("FORESHADOW_THEN");
  static final String NEVER_ENDS = "SELECT count(*) FROM orders a, orders b, orders c WHERE a.id + b.id + c.id < 0";
  static Connection conn;

  /** Something that asks the server. */
  interface Ask<T> {
    T get() throws Exception;
  }

  public static void main(String[] args) throws Exception {
    TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
    System.setOut(new java.io.PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), true, "UTF-8"));
    conn = connect("");
    metadata();
    parameters();
    tenTimes();
    conn.close();
    conn = connect("&binaryTransferEnable=1700,1184,1114,1082&prepareThreshold=-1"); // binary at once
    rows("binary at once", () -> conn.createStatement().executeQuery("SELECT * FROM kinds ORDER BY id"));
    conn.close();
    conn = connect("&preferQueryMode=simple");
    rows("simple", () -> conn.createStatement().executeQuery("SELECT * FROM kinds ORDER BY id"));
    rows("simple", () -> bind(conn.prepareStatement("SELECT id, status, total FROM orders WHERE id = ? AND total < ?"), 4L, new java.math.BigDecimal("100.5")).executeQuery());
    conn.close();
    conn = connect("");
    paging();
    errors();
    transactions();
    copy();
    cancel();
    own();
  }

  static Connection connect(String more) throws Exception {
    Map<String, String> env = System.getenv();
    String url = "jdbc:postgresql://" + env.get("PGHOST") + ":" + env.get("PGPORT") + "/" + env.get("PGDATABASE") + "?user=" + env.get("PGUSER") + "&sslmode=" + env.get("PGSSLMODE") + more;
    if (env.containsKey("PGPASSWORD")) url += "&password=" + env.get("PGPASSWORD") + "&sslrootcert=" + env.get("PGSSLROOTCERT");
    return DriverManager.getConnection(url);
  }

  /** Prints columns and rows, or the error. */
  static void rows(String title, Ask<ResultSet> ask) throws Exception {
    System.out.println("== " + title);
    try (ResultSet r = ask.get()) {
      ResultSetMetaData m = r.getMetaData();
      for (int i = 1; i <= m.getColumnCount(); i++)
        System.out.println("column " + m.getColumnLabel(i) + " " + m.getColumnTypeName(i) + " " + m.getColumnType(i) + " " + m.getColumnClassName(i) + " " + m.getPrecision(i) + " " + m.getScale(i)
            + " " + m.getColumnDisplaySize(i) + " " + m.isNullable(i) + " " + m.isAutoIncrement(i) + " " + m.getTableName(i) + " " + m.isSigned(i));
      while (r.next()) {
        StringBuilder line = new StringBuilder();
        for (int i = 1; i <= m.getColumnCount(); i++) {
          Object v = r.getObject(i);
          if (v instanceof byte[] b) v = HexFormat.of().formatHex(b);
          line.append(" | ").append(v);
        }
        System.out.println(line);
      }
    } catch (SQLException e) {
      failed(e);
    }
  }

  static void failed(SQLException e) {
    System.out.println(e.getClass().getSimpleName() + " " + e.getSQLState() + " " + e.getMessage());
    ServerErrorMessage s = e instanceof PSQLException p ? p.getServerErrorMessage() : null;
    if (s != null) System.out.println(s.getSeverity() + " at " + s.getPosition() + " detail " + s.getDetail() + " hint " + s.getHint());
  }

  static PreparedStatement bind(PreparedStatement s, Object... values) throws SQLException {
    for (int i = 0; i < values.length; i++) s.setObject(i + 1, values[i]);
    return s;
  }

  static void metadata() throws Exception {
    DatabaseMetaData m = conn.getMetaData();
    System.out.println(m.getDatabaseProductName() + " " + m.getDatabaseProductVersion() + " " + m.getDatabaseMajorVersion() + " " + m.getUserName() + " " + m.isReadOnly() + " "
        + m.getDefaultTransactionIsolation() + " " + m.getMaxConnections() + " " + m.getMaxColumnNameLength() + " " + m.getSQLKeywords() + " " + m.supportsTransactions() + " " + m.getNumericFunctions());
    PGConnection pg = conn.unwrap(PGConnection.class);
    System.out.println(new TreeMap<>(pg.getParameterStatuses()).toString().replaceAll("default_transaction_read_only=\\w+, ", ""));
    rows("catalogs", m::getCatalogs);
    rows("schemas", m::getSchemas);
    rows("table types", m::getTableTypes);
    rows("tables", () -> m.getTables(null, null, "%", new String[] {"TABLE", "VIEW", "MATERIALIZED VIEW", "PARTITIONED TABLE", "SEQUENCE", "INDEX", "TYPE"}));
    rows("all tables", () -> m.getTables("shop", "public", null, null));
    for (String t : List.of("orders", "kinds", "Invoice", "readings", "paid_orders")) {
      rows("columns of " + t, () -> m.getColumns(null, null, t, null));
      rows("primary key of " + t, () -> m.getPrimaryKeys(null, null, t));
      rows("imported keys of " + t, () -> m.getImportedKeys(null, null, t));
      rows("exported keys of " + t, () -> m.getExportedKeys(null, null, t));
      rows("best row of " + t, () -> m.getBestRowIdentifier(null, null, t, DatabaseMetaData.bestRowSession, true));
      rows("version columns of " + t, () -> m.getVersionColumns(null, null, t));
      rows("privileges on " + t, () -> m.getTablePrivileges(null, null, t));
      rows("column privileges on " + t, () -> m.getColumnPrivileges(null, null, t, "%"));
      indexes(m, t);
    }
    rows("references", () -> m.getCrossReference(null, null, "orders", null, null, "order_items"));
    rows("procedures", () -> m.getProcedures(null, "public", "%"));
    rows("user types", () -> m.getUDTs(null, "public", "%", null));
    functionsAndTypes(m);
    rows("client info", m::getClientInfoProperties);
  }

  /** The specific name of a function holds its OID, which is another on the agent; the types of arrays come in no order, and those of our relations are among them. */
  static void functionsAndTypes(DatabaseMetaData m) throws Exception {
    try (ResultSet r = m.getFunctions(null, "public", "%"); ResultSet c = m.getFunctionColumns(null, "public", "%", "%"); ResultSet t = m.getTypeInfo()) {
      while (r.next()) System.out.println(r.getString("FUNCTION_NAME") + " " + r.getInt("FUNCTION_TYPE") + " " + r.getString("REMARKS"));
      while (c.next()) System.out.println(c.getString("COLUMN_NAME") + " " + c.getInt("COLUMN_TYPE") + " " + c.getString("TYPE_NAME") + " " + c.getInt("ORDINAL_POSITION"));
      while (t.next())
        if (t.getInt("DATA_TYPE") != Types.ARRAY)
          System.out.println(t.getString("TYPE_NAME") + " " + t.getInt("DATA_TYPE") + " " + t.getInt("PRECISION") + " " + t.getBoolean("AUTO_INCREMENT") + " " + t.getInt("MAXIMUM_SCALE"));
    }
  }

  /** Index statistics (pages, rows) are the server's own and left out. */
  static void indexes(DatabaseMetaData m, String table) throws Exception {
    System.out.println("== indexes of " + table);
    try (ResultSet r = m.getIndexInfo(null, null, table, false, true)) {
      while (r.next())
        System.out.println(r.getString("INDEX_NAME") + " " + r.getBoolean("NON_UNIQUE") + " " + r.getInt("TYPE") + " " + r.getInt("ORDINAL_POSITION") + " " + r.getString("COLUMN_NAME") + " "
            + r.getString("ASC_OR_DESC") + " " + r.getString("FILTER_CONDITION"));
    }
  }

  static void parameters() throws Exception {
    try (PreparedStatement s = conn.prepareStatement("SELECT id, total FROM orders WHERE id = ? AND total < ? AND status = ?::status AND created_at > ?")) {
      ParameterMetaData p = s.getParameterMetaData();
      for (int i = 1; i <= p.getParameterCount(); i++) System.out.println("parameter " + p.getParameterTypeName(i) + " " + p.getParameterType(i) + " " + p.getParameterClassName(i));
      ResultSetMetaData m = s.getMetaData();
      System.out.println(m.getColumnCount() + " " + m.getColumnTypeName(2) + " " + m.getPrecision(2));
      rows("bound", () -> bind(s, 4L, new java.math.BigDecimal("100.5"), "paid", Timestamp.valueOf("2001-01-01 00:00:00")).executeQuery());
      rows("of the wrong type", () -> bind(s, "four", "x", "paid", "y").executeQuery());
    }
    rows("many kinds", () -> bind(conn.prepareStatement("SELECT id FROM kinds WHERE b = ? AND i2 = ? AND i4 = ? AND i8 = ? AND f8 < ? AND n > ? AND t = ? AND by = ? AND u = ? AND d = ? AND tm > ? AND ts < ? AND tz < ?"),
        true, (short) -32768, 2147483647, Long.MIN_VALUE, 1.5, new java.math.BigDecimal("1.5"), "Grüße, \"x\" \\ y", new byte[] {0, (byte) 0xde, (byte) 0xad, (byte) 0xbe, (byte) 0xef},
        UUID.fromString("6f1c3f0e-0000-4000-8000-00000000000a"), java.time.LocalDate.of(2026, 2, 28), java.time.LocalTime.of(1, 0), java.time.LocalDateTime.of(2027, 1, 1, 0, 0),
        java.time.OffsetDateTime.of(2027, 1, 1, 0, 0, 0, 0, java.time.ZoneOffset.UTC)).executeQuery());
    rows("array", () -> bind(conn.prepareStatement("SELECT id FROM kinds WHERE id = ANY (?) ORDER BY id"), conn.createArrayOf("int4", new Integer[] {1, 2})).executeQuery());
    rows("null", () -> bind(conn.prepareStatement("SELECT id FROM orders WHERE id = ?"), (Object) null).executeQuery());
    rows("limit", () -> bind(conn.prepareStatement("SELECT id FROM orders ORDER BY id DESC LIMIT ? OFFSET ?"), 2, 3).executeQuery());
    rows("enum as text", () -> bind(conn.prepareStatement("SELECT id FROM orders WHERE status = ?"), "paid").executeQuery());
    rows("escape", () -> conn.createStatement().executeQuery("SELECT {fn upper(city)}, id FROM customers WHERE created_at > {ts '2001-01-01 00:00:00'} AND id < 3 ORDER BY id"));
    try (Statement s = conn.createStatement()) {
      s.setMaxRows(3);
      rows("at most three", () -> s.executeQuery("SELECT id FROM orders ORDER BY id"));
      boolean more = s.execute("SELECT 1; SELECT id FROM orders ORDER BY id; SET application_name = 'x'");
      while (more || s.getUpdateCount() != -1) {
        System.out.println(more ? "result" : "count " + s.getUpdateCount());
        more = s.getMoreResults();
      }
    }
  }

  /** The fifth execution is of a named statement, and what follows it binary in both directions. */
  static void tenTimes() throws Exception {
    try (PreparedStatement all = conn.prepareStatement("SELECT * FROM kinds WHERE id <= ? AND (tz < ? OR tz IS NULL) ORDER BY id");
        PreparedStatement one = conn.prepareStatement("SELECT id, total, status, created_at IS NULL FROM orders WHERE id = ? AND total < ?")) {
      for (int i = 0; i < 10; i++) {
        int id = i;
        rows("kinds " + i, () -> bind(all, 3, java.time.OffsetDateTime.of(2027, 1, 1, 0, 0, 0, 0, java.time.ZoneOffset.UTC)).executeQuery());
        rows("order " + i, () -> bind(one, (long) id, new java.math.BigDecimal("1000.5")).executeQuery());
        System.out.println(all.unwrap(PGStatement.class).isUseServerPrepare());
      }
    }
  }

  /** Two results at once, each fetched seven rows at a time. */
  static void paging() throws Exception {
    conn.setAutoCommit(false);
    try (PreparedStatement a = conn.prepareStatement("SELECT id, total FROM orders WHERE id <= ? ORDER BY id"); Statement b = conn.createStatement()) {
      a.setFetchSize(7);
      b.setFetchSize(3);
      try (ResultSet left = bind(a, 30).executeQuery(); ResultSet right = b.executeQuery("SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 ORDER BY attnum")) {
        while (left.next()) System.out.println("left " + left.getInt(1) + " " + left.getBigDecimal(2) + (right.next() ? " right " + right.getString(1) : ""));
      }
      a.setFetchSize(1000);
      int n = 0;
      try (ResultSet r = bind(a, 10000).executeQuery()) {
        while (r.next()) n += r.getInt(1);
      }
      System.out.println("sum " + n);
    }
    conn.commit();
    conn.setAutoCommit(true);
  }

  static void errors() throws Exception {
    for (String sql : List.of("SELECT * FROM missing", "SELECT missing FROM orders", "SELECT 1/0", "SELECT id / (id - id) FROM orders", "SELECT id FROM orders WHER id = 1", "SELECT amount FROM salaries",
        "SELECT * FROM orders WHERE lower(total) = 'a'", "SELECT 'x'::integer FROM orders", "SELECT nothing()"))
      rows(sql, () -> conn.createStatement().executeQuery(sql));
    try (Statement s = conn.createStatement()) {
      s.executeUpdate("SELECT 1");
    } catch (SQLException e) {
      failed(e);
    }
  }

  static void transactions() throws Exception {
    conn.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
    System.out.println(conn.getTransactionIsolation());
    conn.setAutoCommit(false);
    conn.setReadOnly(true);
    Ask<ResultSet> count = () -> conn.createStatement().executeQuery("SELECT count(*) FROM orders");
    rows("in", count);
    Savepoint s = conn.setSavepoint("s");
    rows("fails", () -> conn.createStatement().executeQuery("SELECT id / 0 FROM orders"));
    rows("failed", count);
    conn.rollback(s);
    rows("again", count);
    rows("fails", () -> conn.createStatement().executeQuery("SELECT nothing FROM orders"));
    try {
      conn.commit();
    } catch (SQLException e) {
      failed(e);
    }
    conn.rollback();
    rows("after", count);
    conn.commit();
    conn.setReadOnly(false);
    conn.setAutoCommit(true);
    conn.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
    conn.setSchema("Billing");
    System.out.println(conn.getSchema() + " " + conn.getCatalog() + " " + conn.isValid(5));
    rows("in its schema", () -> conn.createStatement().executeQuery("SELECT count(*) FROM \"Invoice\""));
    conn.setSchema("public");
  }

  static void copy() throws Exception {
    for (String sql : List.of("COPY (SELECT id, t, n, ai, tz FROM kinds ORDER BY id) TO STDOUT", "COPY kinds TO STDOUT (FORMAT csv, HEADER)", "COPY missing TO STDOUT")) {
      try {
        StringWriter w = new StringWriter();
        System.out.println(conn.unwrap(PGConnection.class).getCopyAPI().copyOut(sql, w) + " rows\n" + w);
      } catch (SQLException e) {
        failed(e);
      }
    }
  }

  /** A time limit, which the driver keeps by cancelling. */
  static void cancel() throws Exception {
    try (Statement s = conn.createStatement()) {
      s.setQueryTimeout(1);
      rows("cancelled", () -> s.executeQuery(NEVER_ENDS));
    }
    rows("after", () -> conn.createStatement().executeQuery("SELECT count(*) FROM orders"));
  }

  static String value(String sql, Object... values) throws Exception {
    try (PreparedStatement s = conn.prepareStatement(sql); ResultSet r = bind(s, values).executeQuery()) {
      r.next();
      return r.getString(1);
    }
  }

  /** What only an agent has. */
  static void own() throws Exception {
    if (THEN == null) return;
    System.out.println("== foreshadow");
    System.out.println("state: " + value("SELECT state FROM foreshadow.capture_status"));
    System.out.println("events now: " + value("SELECT count(*) FROM events"));
    try (Statement s = conn.createStatement()) {
      s.execute("SET foreshadow.as_of = '" + THEN + "'");
      System.out.println("events then, by session: " + value("SELECT count(*) FROM events"));
      s.execute("RESET foreshadow.as_of");
      System.out.println("events then, by parameter: " + value("SELECT count(*) FROM events AS OF ?", THEN));
      System.out.println("deleted since: " + value("SELECT count(*) FROM foreshadow.change_log WHERE relation = ? AND transaction_type = 'delete'", "public.events"));
      s.executeUpdate("UPDATE orders SET id = 0");
    } catch (SQLException e) {
      System.out.println("write: " + e.getSQLState());
    }
  }
}
