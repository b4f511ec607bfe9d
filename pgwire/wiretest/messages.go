package wiretest

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Encode reads one client message in text form; a name of - is the empty name.
//
//	Query SQL                       Parse NAME OIDS SQL          Bind PORTAL STATEMENT [pf=0,1] [rf=1] [p=VALUE ...]
//	Describe S|P NAME               Execute PORTAL MAX           Close S|P NAME
//	Sync  Flush  Terminate          CopyData TEXT  CopyDone  CopyFail TEXT
//	Raw HEX                         bytes as they are
func Encode(line string) ([]byte, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	words := strings.Fields(rest)
	word := func(i int) string {
		if i >= len(words) || words[i] == "-" {
			return ""
		}
		return words[i]
	}
	var m pgproto3.FrontendMessage
	switch name {
	case "Query":
		m = &pgproto3.Query{String: rest}
	case "Parse":
		m = &pgproto3.Parse{Name: word(0), ParameterOIDs: oids(word(1)), Query: strings.Join(words[min(2, len(words)):], " ")}
	case "Bind":
		return encodeBind(words)
	case "Describe":
		m = &pgproto3.Describe{ObjectType: words[0][0], Name: word(1)}
	case "Close":
		m = &pgproto3.Close{ObjectType: words[0][0], Name: word(1)}
	case "Execute":
		limit, _ := strconv.Atoi(word(1))
		m = &pgproto3.Execute{Portal: word(0), MaxRows: uint32(limit)}
	case "Sync":
		m = &pgproto3.Sync{}
	case "Flush":
		m = &pgproto3.Flush{}
	case "Terminate":
		m = &pgproto3.Terminate{}
	case "CopyData":
		m = &pgproto3.CopyData{Data: []byte(rest)}
	case "CopyDone":
		m = &pgproto3.CopyDone{}
	case "CopyFail":
		m = &pgproto3.CopyFail{Message: rest}
	case "Raw":
		return hex.DecodeString(strings.ReplaceAll(rest, " ", ""))
	default:
		return nil, fmt.Errorf("no message is called %q", name)
	}
	return m.Encode(nil)
}

func oids(list string) []uint32 {
	var out []uint32
	for _, v := range formats(list) {
		out = append(out, uint32(v))
	}
	return out
}

func formats(list string) []int16 {
	if list == "" {
		return nil
	}
	var out []int16
	for w := range strings.SplitSeq(list, ",") {
		v, _ := strconv.Atoi(w)
		out = append(out, int16(v))
	}
	return out
}

func encodeBind(words []string) ([]byte, error) {
	m := &pgproto3.Bind{}
	for i, w := range words {
		key, value, ok := strings.Cut(w, "=")
		switch {
		case i == 0 && w != "-":
			m.DestinationPortal = w
		case i == 1 && w != "-":
			m.PreparedStatement = w
		case ok && key == "pf":
			m.ParameterFormatCodes = formats(value)
		case ok && key == "rf":
			m.ResultFormatCodes = formats(value)
		case ok && key == "p":
			v := []byte(value)
			if raw, isHex := strings.CutPrefix(value, `\x`); isHex {
				v, _ = hex.DecodeString(raw)
			} else if value == "NULL" {
				v = nil
			}
			m.Parameters = append(m.Parameters, v)
		}
	}
	return m.Encode(nil)
}

// Format writes a server message as one line. What is random in it is left out.
func Format(m pgproto3.BackendMessage) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", m), "*pgproto3.")
	switch m := m.(type) {
	case *pgproto3.AuthenticationSASL:
		return name + " " + strings.Join(m.AuthMechanisms, " ")
	case *pgproto3.BackendKeyData:
		return fmt.Sprintf("%s (key of %d bytes)", name, len(m.SecretKey))
	case *pgproto3.ParameterStatus:
		return fmt.Sprintf("%s %s=%s", name, m.Name, m.Value)
	case *pgproto3.ReadyForQuery:
		return fmt.Sprintf("%s %c", name, m.TxStatus)
	case *pgproto3.CommandComplete:
		return fmt.Sprintf("%s %s", name, m.CommandTag)
	case *pgproto3.RowDescription:
		return name + describeFields(m.Fields)
	case *pgproto3.ParameterDescription:
		return fmt.Sprintf("%s %v", name, m.ParameterOIDs)
	case *pgproto3.DataRow:
		return name + describeValues(m.Values)
	case *pgproto3.CopyOutResponse:
		return fmt.Sprintf("%s %d %v", name, m.OverallFormat, m.ColumnFormatCodes)
	case *pgproto3.CopyData:
		return fmt.Sprintf("%s %q", name, m.Data)
	case *pgproto3.ErrorResponse:
		return name + describeError(m)
	case *pgproto3.NoticeResponse:
		e := pgproto3.ErrorResponse(*m)
		return name + describeError(&e)
	case *pgproto3.NotificationResponse:
		return fmt.Sprintf("%s %s %q", name, m.Channel, m.Payload)
	case *pgproto3.NegotiateProtocolVersion:
		return fmt.Sprintf("%s 3.%d %v", name, m.NewestMinorProtocol, m.UnrecognizedOptions)
	}
	return name
}

func describeFields(fields []pgproto3.FieldDescription) string {
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, " %s:%d:%d:%d", f.Name, f.DataTypeOID, f.DataTypeSize, f.Format)
	}
	return b.String()
}

func describeValues(values [][]byte) string {
	var b strings.Builder
	for _, v := range values {
		switch {
		case v == nil:
			b.WriteString(" NULL")
		case strings.ContainsFunc(string(v), func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }):
			b.WriteString(` 0x` + hex.EncodeToString(v))
		default:
			b.WriteString(" " + strconv.Quote(string(v)))
		}
	}
	return b.String()
}

func describeError(e *pgproto3.ErrorResponse) string {
	s := fmt.Sprintf(" %s %s %q", e.Severity, e.Code, e.Message)
	if e.Position > 0 {
		s += fmt.Sprintf(" position=%d", e.Position)
	}
	if e.Detail != "" {
		s += fmt.Sprintf(" detail=%q", e.Detail)
	}
	if e.Hint != "" {
		s += fmt.Sprintf(" hint=%q", e.Hint)
	}
	return s
}
