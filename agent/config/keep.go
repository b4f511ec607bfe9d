package config

import (
	"fmt"
	"strings"
	"time"
)

// ParseKeep reads how much of a table's past is kept: an age such as 720h, a size such as 10GB, both as 720h+10GB, or all, which is also what nothing means.
// Zero is without bound.
func ParseKeep(text string) (age time.Duration, bytes int64, err error) {
	if text == "" || text == "all" {
		return 0, 0, nil
	}
	for _, part := range strings.Split(text, "+") {
		if d, err := time.ParseDuration(part); err == nil && d > 0 {
			age = d
			continue
		}
		if bytes, err = ParseSize(part); err != nil || bytes == 0 {
			return 0, 0, fmt.Errorf("%q is neither an age such as 720h nor a size such as 10GB, nor both as 720h+10GB, nor all", text)
		}
	}
	return age, bytes, nil
}
