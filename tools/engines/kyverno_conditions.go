package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Kyverno's conditions over a document: `any` and `all` lists of key, operator and value, with variables in JMESPath (kyverno
// 1.19.1 pkg/engine/variables/evaluate.go). Variables are put in once, from the policy's own text: Kyverno does it again over
// what came out, so that a document could bring variables of its own.

// variablesInput is what variables name.
type variablesInput struct {
	Context    []contextEntry            `json:"context"`
	Document   map[string]any            `json:"document"`
	ConfigMaps map[string]map[string]any `json:"configMaps"`
}

type conditionsInput struct {
	variablesInput
	Conditions []conditionBlock `json:"conditions"`
}

type templateInput struct {
	variablesInput
	Template any `json:"template"`
}

type filledResult struct {
	Filled any `json:"filled"`
}

type conditionBlock struct {
	Any []condition `json:"any"`
	All []condition `json:"all"`
}

type condition struct {
	Key      any    `json:"key"`
	Operator string `json:"operator"`
	Value    any    `json:"value"`
	Message  string `json:"message"`
}

type conditionsResult struct {
	Holds   bool   `json:"holds"`
	Message string `json:"message"`
}

func (input variablesInput) scope(asked request) (*variableScope, error) {
	var now *time.Time
	if asked.Now != "" {
		parsed, err := time.Parse(time.RFC3339Nano, asked.Now)
		if err != nil {
			return nil, failed(kindRequest, err)
		}
		now = &parsed
	}
	if input.Document == nil {
		input.Document = map[string]any{}
	}
	scope := newVariableScope(input.Document, now)
	scope.configMaps = input.ConfigMaps
	return scope, scope.addLate(input.Context)
}

// evaluateConditions: every block has to hold.
func evaluateConditions(asked request) (any, error) {
	var input conditionsInput
	if err := json.Unmarshal([]byte(asked.Input), &input); err != nil {
		return nil, failed(kindInput, err)
	}
	scope, err := input.scope(asked)
	if err != nil {
		return nil, err
	}
	return wantedBy(scope.judge(input.Conditions))
}

func (scope *variableScope) judge(blocks []conditionBlock) (any, error) {
	var messages []string
	for _, block := range blocks {
		holds, message, err := block.evaluate(scope)
		if err != nil {
			return nil, err
		}
		if !holds {
			return conditionsResult{false, message}, nil
		}
		messages = append(messages, message)
	}
	return conditionsResult{true, joinTexts(messages)}, nil
}

// fillTemplate puts the variables into a part of a rule (kyverno 1.19.1 pkg/engine/handlers/mutation/mutate_image.go).
func fillTemplate(asked request) (any, error) {
	var input templateInput
	if err := json.Unmarshal([]byte(asked.Input), &input); err != nil {
		return nil, failed(kindInput, err)
	}
	scope, err := input.scope(asked)
	if err != nil {
		return nil, err
	}
	filled, err := scope.fill(input.Template)
	return wantedBy(filledResult{filled}, err)
}

// evaluate: one of `any`, where there are any, and each of `all`.
func (block conditionBlock) evaluate(scope *variableScope) (bool, string, error) {
	var passed, missed []string
	isAnyMet := block.Any == nil
	for _, each := range block.Any {
		holds, message, err := each.evaluate(scope)
		if err != nil {
			return false, "", err
		}
		if holds {
			isAnyMet = true
			passed = append(passed, message)
			break
		}
		missed = append(missed, message)
	}
	areAllMet := true
	for _, each := range block.All {
		holds, message, err := each.evaluate(scope)
		if err != nil {
			return false, "", err
		}
		if !holds {
			areAllMet = false
			missed = append(missed, message)
			break
		}
		passed = append(passed, message)
	}
	if isAnyMet && areAllMet {
		return true, joinTexts(passed), nil
	}
	return false, joinTexts(missed), nil
}

func (asked condition) evaluate(scope *variableScope) (bool, string, error) {
	compare := conditionOperators[strings.ToLower(asked.Operator)]
	if compare == nil {
		return false, "", failedf(kindPolicy, "no operator of conditions is called %q", asked.Operator)
	}
	key, err := scope.fill(asked.Key)
	if err != nil {
		return false, "", err
	}
	value, err := scope.fill(asked.Value)
	if err != nil {
		return false, "", err
	}
	holds := compare(key, value)
	message := asked.Message
	if message == "" {
		message = fmt.Sprintf("%s %s %s", textOf(asked.Key), asked.Operator, textOf(asked.Value))
	} else if filled, err := scope.fill(message); err != nil {
		return false, "", err
	} else {
		message = textOf(filled)
	}
	return holds, message, nil
}

func joinTexts(texts []string) string {
	var present []string
	for _, text := range texts {
		if text != "" {
			present = append(present, text)
		}
	}
	return strings.Join(present, "; ")
}

func textOf(value any) string {
	if text, is := value.(string); is {
		return text
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}
