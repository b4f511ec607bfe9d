package ast

// ActivateInstances is ACTIVATE | DEACTIVATE PREDICTIVE INSTANCES [FOR SOURCE s]. Activation is governed; either account deactivates.
type ActivateInstances struct {
	Active bool
	Source string
}

func (ActivateInstances) statement() {}
