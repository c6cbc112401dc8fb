module example.org/announce

go 1.19
