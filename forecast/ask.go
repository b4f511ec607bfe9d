package forecast

import (
	"errors"
	"fmt"
	"math"
)

// MaxHorizon is the greatest number of steps that a model looks ahead.
const MaxHorizon = 100_000

// ErrNoValues says that a series has no value at all to forecast from.
var ErrNoValues = errors.New("the series holds no values")

// Check says what is wrong with a wish to forecast a series by horizon steps with an interval of level percent, where 0 is the default.
func Check(s Series, horizon int, level float64) error {
	if horizon < 1 || horizon > MaxHorizon {
		return fmt.Errorf("horizon of %d steps is not between 1 and %d", horizon, MaxHorizon)
	}
	if level != 0 && !(level > 0 && level < 100) {
		return fmt.Errorf("level %v is not between 0 and 100", level)
	}
	if s.Step < 0 {
		return fmt.Errorf("step %v is negative", s.Step)
	}
	if s.Step > 0 && int64(len(s.Values)+horizon) > math.MaxInt64/int64(s.Step) {
		return fmt.Errorf("%d steps of %v are beyond what dates can hold", len(s.Values)+horizon, s.Step)
	}
	return nil
}
