// Announce reads a Matrix event, and prints the line for the other side of the bridge.
//
//	API_TOKEN_FILE=/etc/bridge/api-token announce < event.json
//
// API_TOKEN_FILE names the file with the bridge's api_token; without it, API_TOKEN holds it.
// API_URL is Medialink's internal listener, http://127.0.0.1:8481 if it is not given.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	attempts    = 5
	timeout     = 40 * time.Second
	longestWait = time.Minute
)

// matrixError is an error in Matrix's shape.
type matrixError struct {
	Status       int    `json:"-"`
	Code         string `json:"errcode"`
	Message      string `json:"error"`
	RetryAfterMS *int64 `json:"retry_after_ms"`
}

func (e *matrixError) Error() string {
	if e.Code == "" {
		// Of a proxy between, for instance.
		return fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	}
	return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message)
}

type linkedEvent struct {
	Links []struct {
		Path  string       `json:"path"`
		Kind  string       `json:"kind"`
		Error *matrixError `json:"error"`
	} `json:"links"`
	Text string `json:"text"`
	HTML string `json:"html"`
}

type client struct {
	http.Client
	url, token string
}

// linkEvent has the media of an event linked. Asking again is safe: it gives the same links.
func (c *client) linkEvent(ctx context.Context, event json.RawMessage) (*linkedEvent, error) {
	body, err := json.Marshal(map[string]json.RawMessage{"event": event})
	if err != nil {
		return nil, err
	}
	for attempt := 0; ; attempt++ {
		answer, err := c.ask(ctx, body)
		if err == nil {
			return answer, nil
		}
		// Half of it by chance, so that many bridges do not come back all at once.
		full := 500 * time.Millisecond << attempt
		wait := full/2 + time.Duration(rand.Int63n(int64(full/2)))
		var refusal *matrixError
		if errors.As(err, &refusal) {
			if refusal.Status != http.StatusTooManyRequests && refusal.Status < 500 {
				return nil, err
			}
			if refusal.RetryAfterMS != nil {
				wait = time.Duration(*refusal.RetryAfterMS) * time.Millisecond
			}
		}
		if attempt+1 == attempts || wait > longestWait {
			return nil, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// ask makes one attempt.
func (c *client) ask(ctx context.Context, body []byte) (*linkedEvent, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := c.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, readError(response)
	}
	answer := new(linkedEvent)
	return answer, json.NewDecoder(response.Body).Decode(answer)
}

// readError tells what went wrong, and for how long to wait if the answer says it.
func readError(response *http.Response) error {
	refusal := &matrixError{}
	if err := json.NewDecoder(response.Body).Decode(refusal); err != nil {
		refusal = &matrixError{}
	}
	refusal.Status = response.StatusCode
	if refusal.RetryAfterMS == nil {
		if seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 31); err == nil {
			ms := int64(seconds) * 1000
			refusal.RetryAfterMS = &ms
		}
	}
	return refusal
}

// apiToken is from a file or the environment: arguments are in the list of processes, for all to see.
func apiToken() (string, error) {
	if path := os.Getenv("API_TOKEN_FILE"); path != "" {
		text, err := os.ReadFile(path)
		return strings.TrimSpace(string(text)), err
	}
	if token := os.Getenv("API_TOKEN"); token != "" {
		return token, nil
	}
	return "", errors.New("API_TOKEN is missing")
}

func run() error {
	url := os.Getenv("API_URL")
	if url == "" {
		url = "http://127.0.0.1:8481"
	}
	token, err := apiToken()
	if err != nil {
		return err
	}
	event, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	medialink := &client{Client: http.Client{Timeout: timeout}, url: url, token: token}
	answer, err := medialink.linkEvent(context.Background(), event)
	if err != nil {
		return err
	}
	for _, media := range answer.Links {
		if media.Error != nil {
			fmt.Fprintf(os.Stderr, "%s: %s: %s\n", media.Path, media.Error.Code, media.Error.Message)
		}
	}
	// A bridge sends it where it sends its messages. It is empty if the event says nothing.
	if answer.Text != "" {
		fmt.Println(answer.Text)
	}
	return nil
}

func main() {
	rand.Seed(time.Now().UnixNano())
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "announce:", err)
		os.Exit(1)
	}
}
