package shadow

import (
	"runtime"
	"unsafe"
)

// short is a string as DuckDB holds one of at most 12 bytes, zeros after its end.
type short struct {
	size  uint32
	bytes [12]byte
}

// long is a longer one, whose bytes lie elsewhere. It is written into DuckDB's memory, which the garbage collector must not look at.
type long struct {
	size   uint32
	prefix [4]byte
	at     uintptr
}

// blockSize is how much memory longs takes at once.
const blockSize = 64 << 10

// longs holds the bytes of a chunk's long strings, pinned, until DuckDB has taken the chunk and with it a copy of them.
type longs struct {
	block []byte
	pins  runtime.Pinner
}

// keep copies a string of at most a block.
func (l *longs) keep(v []byte) uintptr {
	if len(v) > cap(l.block)-len(l.block) {
		l.block = make([]byte, 0, blockSize)
		l.pins.Pin(unsafe.SliceData(l.block))
	}
	n := len(l.block)
	l.block = append(l.block, v...)
	return uintptr(unsafe.Pointer(&l.block[n]))
}

// free lets go of everything.
func (l *longs) free() {
	l.pins.Unpin()
	l.block = nil
}
