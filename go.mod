module yolk

go 1.26.4

require (
	github.com/cavaliergopher/cpio v1.0.1
	github.com/usbarmory/tamago v1.26.4
	golang.org/x/arch v0.32.0
	golang.org/x/sys v0.49.0
	golang.org/x/term v0.47.0
)

require github.com/jstemmer/go-junit-report/v2 v2.1.0

require github.com/google/pprof v0.0.0-20261105003125-4bf881d7fb0b
