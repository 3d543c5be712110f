// pgx, as an agent would use it: prints one line for each thing it tries.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func main() {
	// PGSSLROOTCERT of the environment is what its certificate is checked with
	url := fmt.Sprintf("postgres://agent@%s:%s/postgres?sslmode=verify-full", os.Args[1], os.Args[2])
	if err := session(url); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func session(url string) error {
	ctx, stop := context.WithTimeout(context.Background(), 50*time.Second)
	defer stop()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	config.OnNotice = func(_ *pgconn.PgConn, notice *pgconn.Notice) { fmt.Println("notice", notice.Message) }
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	steps := []func(context.Context, *pgx.Conn) error{cached, modes, batch, deniedBatch, transaction, copied, told, cancelled, after}
	for _, step := range steps {
		if err := step(ctx, conn); err != nil {
			return err
		}
	}
	return nil
}

// The statement is prepared once and its description kept.
func cached(ctx context.Context, conn *pgx.Conn) error {
	sum := 0
	for number := range 20 {
		var found int
		if err := conn.QueryRow(ctx, "select $1::int + 1", number).Scan(&found); err != nil {
			return err
		}
		sum += found
	}
	var prepared int
	text := "select count(*) from pg_prepared_statements where statement = 'select $1::int + 1'"
	if err := conn.QueryRow(ctx, text, pgx.QueryExecModeSimpleProtocol).Scan(&prepared); err != nil {
		return err
	}
	fmt.Println("cached", sum, prepared)
	return nil
}

func modes(ctx context.Context, conn *pgx.Conn) error {
	all := []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	}
	for _, mode := range all {
		_, err := conn.Exec(ctx, "delete from orders where id = $1", mode, 1)
		var count int
		if again := conn.QueryRow(ctx, "select count(*) from orders where id < $1", mode, 100).Scan(&count); again != nil {
			return again
		}
		fmt.Println(mode, codeOf(err), count)
	}
	return nil
}

// All of it is one pipeline.
func batch(ctx context.Context, conn *pgx.Conn) error {
	batch := &pgx.Batch{}
	sum := 0
	for number := range 200 {
		batch.Queue("select $1::int", number).QueryRow(func(row pgx.Row) error {
			var found int
			err := row.Scan(&found)
			sum += found
			return err
		})
	}
	err := conn.SendBatch(ctx, batch).Close()
	fmt.Println("batch", sum)
	return err
}

// What stands before the denied statement in its batch is rolled back with it.
func deniedBatch(ctx context.Context, conn *pgx.Conn) error {
	batch := &pgx.Batch{}
	batch.Queue("insert into orders values ($1)", 50)
	batch.Queue("delete from orders where id = $1", 1)
	batch.Queue("insert into orders values ($1)", 51)
	err := conn.SendBatch(ctx, batch).Close()
	var problem *pgconn.PgError
	if !errors.As(err, &problem) {
		return fmt.Errorf("no denial: %w", err)
	}
	fmt.Println("denied", problem.Code, problem.Message)
	return nil
}

func transaction(ctx context.Context, conn *pgx.Conn) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	_, denied := tx.Exec(ctx, "delete from orders")
	_, failed := tx.Exec(ctx, "select 1")
	fmt.Println("transaction", codeOf(denied), codeOf(failed))
	return tx.Rollback(ctx)
}

func copied(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "create temporary table notes (id int, note text)"); err != nil {
		return err
	}
	rows := pgx.CopyFromSlice(50_000, func(at int) ([]any, error) { return []any{at, "a note"}, nil })
	count, err := conn.CopyFrom(ctx, pgx.Identifier{"notes"}, []string{"id", "note"}, rows)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if _, err = conn.PgConn().CopyTo(ctx, &out, "copy notes to stdout"); err != nil {
		return err
	}
	fmt.Println("copied", count, out.Len())
	return nil
}

func told(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "do $$ begin raise notice 'look'; end $$; listen here; notify here, 'you'"); err != nil {
		return err
	}
	notification, err := conn.WaitForNotification(ctx)
	if err == nil {
		fmt.Println("told", notification.Channel, notification.Payload)
	}
	return err
}

// pgx closes a connection whose context is over, having sent a cancel request.
func cancelled(ctx context.Context, conn *pgx.Conn) error {
	other, err := pgx.ConnectConfig(ctx, conn.Config())
	if err != nil {
		return err
	}
	brief, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		_, err := other.Exec(brief, "select pg_sleep(60)")
		ended <- err
	}()
	if err := until(ctx, conn, 1); err != nil {
		return err
	}
	stop()
	fmt.Println("cancelled", errors.Is(<-ended, context.Canceled))
	return until(ctx, conn, 0)
}

// Waits until so many sessions sleep.
func until(ctx context.Context, conn *pgx.Conn, wanted int) error {
	text := "select count(*) from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'"
	for {
		var asleep int
		if err := conn.QueryRow(ctx, text).Scan(&asleep); err != nil || asleep == wanted {
			return err
		}
	}
}

func after(ctx context.Context, conn *pgx.Conn) error {
	var count int
	err := conn.QueryRow(ctx, "select count(*) from orders where id < 100").Scan(&count)
	fmt.Println("after", count)
	return err
}

func codeOf(err error) string {
	var problem *pgconn.PgError
	if errors.As(err, &problem) {
		return problem.Code
	}
	return fmt.Sprint(err)
}
