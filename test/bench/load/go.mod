module clawpatrol/test/bench/load

go 1.26
