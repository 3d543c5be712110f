// pgjdbc, as an agent would use it: prints one line for each thing it tries.
import java.io.StringReader;
import java.io.StringWriter;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;
import org.postgresql.largeobject.LargeObject;
import org.postgresql.largeobject.LargeObjectManager;
import org.postgresql.util.PSQLException;

public class Pgjdbc {
  private static String url;

  public static void main(String[] words) throws Exception {
    // what libpq calls PGSSLROOTCERT, pgjdbc has to be given
    url = String.format("jdbc:postgresql://%s:%s/postgres?user=agent&sslmode=verify-full&sslrootcert=%s",
        words[0], words[1], System.getenv("PGSSLROOTCERT"));
    for (String mode : new String[] {"extended", "simple", "extendedForPrepared", "extendedCacheEverything"}) {
      try (Connection session = open("&preferQueryMode=" + mode)) {
        statements(mode, session);
        denials(mode, session);
      }
    }
    try (Connection session = open("&reWriteBatchedInserts=true")) {
      batches(session);
      deniedBatches(session);
      cursor(session);
      copies((PGConnection) session);
      largeObject(session);
      cancel(session);
      System.out.println("after " + one(session, "select count(*) from orders where id < 100"));
    }
  }

  private static Connection open(String more) throws SQLException {
    return DriverManager.getConnection(url + more);
  }

  private static void statements(String mode, Connection session) throws SQLException {
    int rows = 0;
    try (Statement statement = session.createStatement()) {
      boolean hasRows = statement.execute("select 1; select 2; select 3");
      for (; hasRows; hasRows = statement.getMoreResults()) {
        ResultSet result = statement.getResultSet();
        while (result.next()) rows += result.getInt(1);
      }
    }
    // from the fifth time on it is prepared on the server
    int sum = 0;
    try (PreparedStatement statement = session.prepareStatement("select ?::int + ?::int")) {
      for (int number = 0; number < 8; number += 1) {
        statement.setInt(1, number);
        statement.setInt(2, 1);
        try (ResultSet result = statement.executeQuery()) {
          while (result.next()) sum += result.getInt(1);
        }
      }
    }
    String prepared = one(session, "select count(*) from pg_prepared_statements where statement like 'select $1::int +%'");
    System.out.println(mode + ": several " + rows + ", parameters " + sum + ", prepared on the server " + prepared);
  }

  private static void denials(String mode, Connection session) throws SQLException {
    StringBuilder told = new StringBuilder(mode + ": denied");
    try (Statement statement = session.createStatement()) {
      statement.execute("delete from orders");
    } catch (PSQLException error) {
      told.append(' ').append(error.getServerErrorMessage().getMessage());
      told.append(", hint ").append(error.getServerErrorMessage().getHint() != null);
    }
    try (PreparedStatement statement = session.prepareStatement("delete from orders where id = ?")) {
      for (int number = 0; number < 7; number += 1) {
        statement.setInt(1, number);
        try {
          statement.executeUpdate();
        } catch (SQLException error) {
          told.append(' ').append(error.getSQLState());
        }
      }
    }
    session.setAutoCommit(false);
    for (String text : new String[] {"select 1", "delete from orders", "select 2"}) {
      try (Statement statement = session.createStatement()) {
        statement.execute(text);
        told.append(" ok");
      } catch (SQLException error) {
        told.append(' ').append(error.getSQLState());
      }
    }
    session.rollback();
    session.setAutoCommit(true);
    System.out.println(told + ", left " + one(session, "select count(*) from orders where id < 100"));
  }

  private static void batches(Connection session) throws SQLException {
    try (Statement statement = session.createStatement()) {
      statement.execute("create temporary table notes (id int, note text)");
    }
    int done = 0;
    try (PreparedStatement statement = session.prepareStatement("insert into notes values (?, ?)")) {
      for (int number = 0; number < 1000; number += 1) {
        statement.setInt(1, number);
        statement.setString(2, "note " + number);
        statement.addBatch();
      }
      done = statement.executeBatch().length;
    }
    try (PreparedStatement statement = session.prepareStatement("update notes set note = ? where id = ?")) {
      for (int number = 0; number < 300; number += 1) {
        statement.setString(1, "new");
        statement.setInt(2, number);
        statement.addBatch();
      }
      done += statement.executeBatch().length;
    }
    System.out.println("batches " + done + ", new " + one(session, "select count(*) from notes where note = 'new'"));
  }

  private static void deniedBatches(Connection session) throws SQLException {
    session.setAutoCommit(false);
    try (Statement statement = session.createStatement()) {
      for (int number = 0; number < 3; number += 1) statement.addBatch("insert into notes values (-1, '')");
      statement.addBatch("delete from orders");
      statement.addBatch("insert into notes values (-1, '')");
      statement.executeBatch();
    } catch (BatchUpdateException error) {
      System.out.println("denied in a batch " + error.getSQLState() + ", done " + error.getUpdateCounts().length);
    }
    session.rollback();
    session.setAutoCommit(true);
    System.out.println("left of it " + one(session, "select count(*) from notes where id < 0"));
  }

  private static void cursor(Connection session) throws SQLException {
    session.setAutoCommit(false);
    int rows = 0;
    try (Statement statement = session.createStatement()) {
      statement.setFetchSize(300);
      try (ResultSet result = statement.executeQuery("select id from notes")) {
        while (result.next()) rows += 1;
      }
    }
    session.commit();
    session.setAutoCommit(true);
    System.out.println("cursor " + rows);
  }

  private static void copies(PGConnection session) throws Exception {
    CopyManager manager = session.getCopyAPI();
    StringBuilder lines = new StringBuilder();
    for (int number = 0; number < 20000; number += 1) lines.append(number).append("\tcopied\n");
    long in = manager.copyIn("copy notes from stdin", new StringReader(lines.toString()));
    StringWriter taken = new StringWriter();
    long out = manager.copyOut("copy notes to stdout", taken);
    System.out.println("copied in " + in + ", out " + out + ", characters " + taken.toString().length());
  }

  // Its calls are function calls by message.
  private static void largeObject(Connection session) throws SQLException {
    session.setAutoCommit(false);
    LargeObjectManager manager = ((PGConnection) session).getLargeObjectAPI();
    long oid = manager.createLO();
    byte[] bytes = new byte[200000];
    Arrays.fill(bytes, (byte) 7);
    LargeObject object = manager.open(oid);
    object.write(bytes);
    object.truncate64(150000);
    object.seek64(100000, LargeObject.SEEK_SET);
    int read = object.read(200000).length;
    System.out.println("large object " + object.size64() + ", read " + read);
    object.close();
    manager.delete(oid);
    session.commit();
    session.setAutoCommit(true);
  }

  private static void cancel(Connection session) throws Exception {
    try (Statement statement = session.createStatement(); Connection watcher = open("")) {
      CompletableFuture<String> ended = CompletableFuture.supplyAsync(() -> {
        try {
          statement.execute("select pg_sleep(60)");
          return "not at all";
        } catch (SQLException error) {
          return error.getSQLState();
        }
      });
      String asleep = "select count(*) from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'";
      while (one(watcher, asleep).equals("0")) Thread.onSpinWait();
      statement.cancel();
      System.out.println("cancelled " + ended.get());
    }
  }

  private static String one(Connection session, String text) throws SQLException {
    try (Statement statement = session.createStatement(); ResultSet result = statement.executeQuery(text)) {
      result.next();
      return result.getString(1);
    }
  }
}
