package experiment

import (
	"fmt"
	"strings"
)

// markers enclose a generated section of a page; what stands outside of them
// is a person's.
func markers(name string) (begin, end string) {
	return fmt.Sprintf("<!-- generated: %s -->", name), fmt.Sprintf("<!-- end: %s -->", name)
}

// updatePage writes the sections of a report into the page at path. A section
// that is there is replaced between its markers; others are appended. All
// other text stays as it is.
func updatePage(path string, r Report) error {
	old, err := readAll(path)
	if err != nil {
		return err
	}
	page := string(old)
	if page == "" {
		page = "# " + r.Title + "\n"
	}
	for _, s := range r.Sections {
		if page, err = replaceSection(page, s); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if page == string(old) {
		return nil
	}
	return writeText(path, page)
}

func replaceSection(page string, s Section) (string, error) {
	begin, end := markers(s.Name)
	body := begin + "\n" + strings.TrimRight(s.Body, "\n") + "\n" + end
	from := strings.Index(page, begin)
	if from < 0 {
		return strings.TrimRight(page, "\n") + "\n\n" + body + "\n", nil
	}
	length := strings.Index(page[from:], end)
	if length < 0 {
		return "", fmt.Errorf("section %q begins and does not end: put back the line %q", s.Name, end)
	}
	return page[:from] + body + page[from+length+len(end):], nil
}
