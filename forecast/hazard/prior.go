package hazard

// shipped is the model of other applications: the histories of five open-source applications with 14 to 20 years of migrations, 45 days apart.
// Its spread was chosen where each of them was forecast by the others, on origins before 2022. TestPrintPrior makes the numbers.
var shipped = Model{
	mean:   [features]float64{7.32260149, 0.99484802, 6.82937401, 0.02689182, 0.07509319, 0.25191236, -7.36393279, -0.32211124, 0.01719305, -6.91741249},
	scale:  [features]float64{1.08854223, 0.66517277, 1.33571597, 0.10961592, 0.19211354, 0.35979961, 0.99064122, 0.52150102, 0.09229723, 0.93800894},
	prior:  coefficients{-3.65374999, -0.76901866, 0.92859884, -0.47205708, -0.04745467, -0.05377372, 0.18613611, 0.15760187, 0.28220481, -0.20993844, -0.58445859},
	spread: [size]float64{0.2, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05},
}

// kinds are the shares of what changes are, by which a schema's own shares are smoothed: of all changes of those applications but the making of tables.
var kinds = map[string]float64{
	"add_column": 0.31, "add_index": 0.25, "drop_column": 0.08, "add_constraint": 0.07, "alter_null": 0.06, "alter_type": 0.05, "drop_index": 0.035,
	"rename_column": 0.035, "drop_table": 0.03, "rename_table": 0.02, "drop_constraint": 0.02, "alter_default": 0.015, "add_trigger": 0.01,
}
