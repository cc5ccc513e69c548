package main

import (
	"reflect"
	"strings"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go"
)

// Without the client's own way of decoding, which is lenient.
type issue gitlab.Issue

type operation struct {
	method, path, status string
	options              any
	reply                func() any
}

const issuesPath = "/projects/{id}/issues"

var operations = map[string]operation{
	"list":        {"GET", issuesPath, "200", gitlab.ListProjectIssuesOptions{}, func() any { return &[]issue{} }},
	"create":      {"POST", issuesPath, "201", gitlab.CreateIssueOptions{}, func() any { return &issue{} }},
	"update":      {"PUT", issuesPath + "/{issue_iid}", "200", gitlab.UpdateIssueOptions{}, func() any { return &issue{} }},
	"list-notes":  {"GET", issuesPath + "/{issue_iid}/notes", "200", gitlab.ListIssueNotesOptions{}, func() any { return &[]gitlab.Note{} }},
	"create-note": {"POST", issuesPath + "/{issue_iid}/notes", "201", gitlab.CreateIssueNoteOptions{}, func() any { return &gitlab.Note{} }},
}

type object = map[string]any

func schemaDocument() object {
	all := object{}
	for _, one := range operations {
		described := object{"parameters": []object{}, "responses": object{one.status: schemaOf(reflect.TypeOf(one.reply()).Elem(), true, nil)}}
		if one.method == "GET" {
			described["parameters"] = parametersOf(reflect.TypeOf(one.options))
		} else {
			described["request"] = schemaOf(reflect.TypeOf(one.options), false, nil)
		}
		all[one.method+" "+one.path] = described
	}
	return object{"operations": all}
}

// What goes into a query, by the names that it has there.
func parametersOf(of reflect.Type) []object {
	parameters := []object{}
	for index := range of.NumField() {
		field := of.Field(index)
		if field.Anonymous {
			parameters = append(parameters, parametersOf(field.Type)...)
		} else if name := tagged(field, "url"); name != "" {
			parameters = append(parameters, object{"name": name})
		}
	}
	return parameters
}

var (
	timeType    = reflect.TypeFor[time.Time]()
	dateType    = reflect.TypeFor[gitlab.ISOTime]()
	labelsType  = reflect.TypeFor[gitlab.LabelOptions]()
	anyAssignee = reflect.TypeFor[gitlab.AssigneeIDValue]()
)

// isReply: whether every member is there. of what is asked nothing has to be.
func schemaOf(of reflect.Type, isReply bool, above []reflect.Type) object {
	switch of {
	case timeType:
		return object{"type": "string", "format": "date-time"}
	case dateType:
		return object{"type": "string", "format": "date"}
	case labelsType:
		return object{"type": "string"}
	case anyAssignee:
		return object{}
	}
	switch of.Kind() {
	case reflect.Pointer:
		schema := schemaOf(of.Elem(), isReply, above)
		if isReply {
			schema["nullable"] = true
		}
		return schema
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int64, reflect.Int:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice:
		return object{"type": "array", "items": schemaOf(of.Elem(), isReply, above)}
	case reflect.Struct:
		return structSchema(of, isReply, above)
	default:
		return object{}
	}
}

func structSchema(of reflect.Type, isReply bool, above []reflect.Type) object {
	for _, one := range above {
		if one == of {
			return object{"type": "object"}
		}
	}
	properties, required := object{}, []string{}
	for index := range of.NumField() {
		field := of.Field(index)
		name := tagged(field, "json")
		if name == "" {
			continue
		}
		properties[name] = schemaOf(field.Type, isReply, append(above, of))
		if isReply && !strings.Contains(field.Tag.Get("json"), "omitempty") {
			required = append(required, name)
		}
	}
	schema := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

func tagged(field reflect.StructField, kind string) string {
	name, _, _ := strings.Cut(field.Tag.Get(kind), ",")
	if name == "-" {
		return ""
	}
	return name
}
