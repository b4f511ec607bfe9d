// Package agent wires the systems of Foreshadow into one process and owns their start and stop.
// The command calls it; nothing else may import it.
package agent
