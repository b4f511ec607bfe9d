package ingest

var ddlCases = map[string]func(*stage){}
