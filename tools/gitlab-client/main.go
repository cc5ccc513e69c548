// Command gitlab-client is GitLab's own client of its REST API as a program, so that tests can hold our requests and a
// stand-in's replies against it. What it is given and what it is answered is decoded strictly: a member that the client's
// types do not have, or have with another type, is refused.
//
//	gitlab-client schema                                   the operations on issues, as OpenAPI 3.0 says types
//	gitlab-client OPERATION URL PROJECT [ISSUE] <OPTIONS   one request; OPTIONS is JSON. Prints the reply as it was understood
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	gitlab "gitlab.com/gitlab-org/api/client-go"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 1 && args[0] == "schema" {
		return write(schemaDocument())
	}
	if len(args) < 3 {
		return errors.New("gitlab-client schema, or gitlab-client OPERATION URL PROJECT [ISSUE]")
	}
	options, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	recorder := &recorder{}
	client, err := gitlab.NewClient("a-token", gitlab.WithBaseURL(args[1]), gitlab.WithoutRetries(),
		gitlab.WithHTTPClient(&http.Client{Transport: recorder}))
	if err != nil {
		return err
	}
	var issue int64
	if len(args) > 3 {
		if issue, err = strconv.ParseInt(args[3], 10, 64); err != nil {
			return err
		}
	}
	if err := ask(client, args[0], args[2], issue, options); err != nil {
		return err
	}
	understood := operations[args[0]].reply()
	if err := decodeStrictly(recorder.body, understood); err != nil {
		return fmt.Errorf("the reply: %w", err)
	}
	return write(understood)
}

func ask(client *gitlab.Client, operation, project string, issue int64, options []byte) error {
	var err error
	switch operation {
	case "list":
		var sent gitlab.ListProjectIssuesOptions
		if err = decodeStrictly(options, &sent); err == nil {
			_, _, err = client.Issues.ListProjectIssues(project, &sent)
		}
	case "create":
		var sent gitlab.CreateIssueOptions
		if err = decodeStrictly(options, &sent); err == nil {
			_, _, err = client.Issues.CreateIssue(project, &sent)
		}
	case "update":
		var sent gitlab.UpdateIssueOptions
		if err = decodeStrictly(options, &sent); err == nil {
			_, _, err = client.Issues.UpdateIssue(project, issue, &sent)
		}
	case "list-notes":
		var sent gitlab.ListIssueNotesOptions
		if err = decodeStrictly(options, &sent); err == nil {
			_, _, err = client.Notes.ListIssueNotes(project, issue, &sent)
		}
	case "create-note":
		var sent gitlab.CreateIssueNoteOptions
		if err = decodeStrictly(options, &sent); err == nil {
			_, _, err = client.Notes.CreateIssueNote(project, issue, &sent)
		}
	default:
		err = fmt.Errorf("no such operation: %s", operation)
	}
	return err
}

// Keeps what was answered: the client's own decoding passes over members that it does not know.
type recorder struct{ body []byte }

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if r.body, err = io.ReadAll(response.Body); err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(r.body))
	return response, nil
}

func decodeStrictly(text []byte, value any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("more than one value")
	}
	return nil
}

func write(value any) error {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
