package config

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseSize reads a size such as 512MB or 20GB, in PostgreSQL's units of 1024, as bytes.
func ParseSize(text string) (int64, error) {
	t := strings.TrimSpace(text)
	number := strings.TrimRight(t, "kMGTB ")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a size; write a whole number and a unit such as 512MB or 20GB", text)
	}
	shift, ok := map[string]uint{"": 0, "B": 0, "kB": 10, "MB": 20, "GB": 30, "TB": 40}[strings.TrimSpace(t[len(number):])]
	if !ok || n > int64(1)<<62>>shift {
		return 0, fmt.Errorf("%q is not a size; the units are B, kB, MB, GB and TB", text)
	}
	return n << shift, nil
}
