package forecast

import "time"

// Sample is one measured value of a series. Its Series carries the words only: no start and no values.
type Sample struct {
	Series Series
	At     time.Time
	Value  float64
}

// SeriesFilter chooses stored series; an empty field lets every series pass.
type SeriesFilter struct{ Kind, Object, ID string }

// TimeColumn describes a timestamp column of a table, so that a created-at column can be told from the others.
// Nulls and Future count rows, Days counts the days on which rows lie; First and Last are the earliest and the latest value.
type TimeColumn struct {
	Name                      string
	Rows, Nulls, Future, Days int64
	First, Last               time.Time
}

// ColumnWish asks for the values of a column; with Length for the lengths of its texts, with OnlyNulls for neither.
type ColumnWish struct {
	Name              string
	Length, OnlyNulls bool
}

// ColumnUse is what the rows of now hold in a column: the smallest and the largest value or length, points in time in seconds since 1970, NaN where
// there is none. Daily is the largest one up to each day (UTC) from Start on, by the rows' time of creation; empty where no column tells that.
type ColumnUse struct {
	ColumnWish
	Nulls    int64
	Min, Max float64
	Start    time.Time
	Daily    []float64
}

// ChangeBucket counts the captured changes of one table in the span of time that begins at At.
type ChangeBucket struct {
	OID                              uint32
	Relation                         string
	At                               time.Time
	Inserts, Updates, Deletes, Bytes int64
}

// Expectation is how many changes of a table a run expects in the bucket that begins at Bucket; it is stored before that bucket begins.
type Expectation struct {
	OID              uint32
	Bucket           time.Time
	RunID            int64
	Expected, Lo, Hi float64
}

// Reference is a foreign key between two tables, or a partition with a table that it is a part of, by their qualified names.
type Reference struct{ Child, Parent string }
