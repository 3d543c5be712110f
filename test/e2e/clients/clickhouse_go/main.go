// A session with clickhouse-go: queries, batches, denials and a cancel; each line says what came of one.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

func main() {
	methods := map[string]clickhouse.CompressionMethod{
		"none": clickhouse.CompressionNone, "lz4": clickhouse.CompressionLZ4, "zstd": clickhouse.CompressionZSTD,
	}
	conn, err := clickhouse.Open(&clickhouse.Options{
		Addr:         []string{os.Args[1]},
		Auth:         clickhouse.Auth{Database: "default", Username: "agent"},
		Compression:  &clickhouse.Compression{Method: methods[os.Args[2]]},
		DialTimeout:  10 * time.Second,
		MaxOpenConns: 1,
	})
	if err != nil {
		fmt.Println("open", err)
		return
	}
	defer conn.Close()
	background := context.Background()
	fmt.Println("ping", conn.Ping(background))
	fmt.Println("select", number(conn, "SELECT toUInt64(41) + 1"))
	fmt.Println("denied", code(conn.Exec(background, "DROP TABLE events")))
	fmt.Println("after", number(conn, "SELECT toUInt64(7)"))
	batch, err := conn.PrepareBatch(background, "INSERT INTO events")
	for id := uint32(0); err == nil && id < 100000; id++ {
		err = batch.Append(id, fmt.Sprintf("row %d", id))
	}
	if err == nil {
		err = batch.Send()
	}
	fmt.Println("batch", err)
	_, err = conn.PrepareBatch(background, "INSERT INTO secrets")
	fmt.Println("denied batch", code(err))
	fmt.Println("rows", number(conn, "SELECT count() FROM events"))
	rows, err := conn.Query(background, "SELECT id, text FROM events ORDER BY id")
	right := 0
	for err == nil && rows.Next() {
		var id uint32
		var text string
		if err = rows.Scan(&id, &text); err == nil && text == fmt.Sprintf("row %d", id) {
			right++
		}
	}
	fmt.Println("read", right, err)
	short, stop := context.WithTimeout(background, 300*time.Millisecond)
	err = conn.Exec(short, "SELECT sleep(3)")
	stop()
	fmt.Println("cancelled", err != nil)
	fmt.Println("last", number(conn, "SELECT toUInt64(9)"))
}

func number(conn driver.Conn, text string) any {
	var value uint64
	if err := conn.QueryRow(context.Background(), text).Scan(&value); err != nil {
		return err
	}
	return value
}

func code(err error) any {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return exception.Code
	}
	return err
}
