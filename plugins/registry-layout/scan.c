/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scan: finds the members of a JSON text without a tree in memory.
 *
 * It looks at brackets, strings and commas only; whether the pieces are JSON
 * is for jansson to say, one piece at a time.  That keeps an index.json of
 * ten thousand tags at the size of its text, and what others wrote into it
 * exactly as they wrote it.
 */
#include <stdio.h>
#include <string.h>

#include "layout.h"

static bool
fail_at(ScanFault *fault, const char *at, const char *what)
{
    fault->at = at;
    snprintf(fault->what, sizeof fault->what, "%s", what);
    return false;
}

static const char *
skip_space(const char *at, const char *end)
{
    while (at < end &&
           (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

/* Behind the string that starts at `at`; NULL if it does not end. */
static const char *
skip_string(const char *at, const char *end)
{
    for (at++; at < end; at++) {
        if (*at == '"')
            return at + 1;
        if (*at == '\\')
            at++;
    }
    return NULL;
}

/* Behind the bracket that closes the one at `at`. */
static const char *
skip_brackets(const char *at, const char *end)
{
    size_t depth = 0;

    while (at < end) {
        char byte = *at;

        if (byte == '"') {
            at = skip_string(at, end);
            if (at == NULL)
                return NULL;
            continue;
        }
        at++;
        if (byte == '{' || byte == '[')
            depth++;
        else if ((byte == '}' || byte == ']') && --depth == 0)
            return at;
    }
    return NULL;
}

/* Behind one value; NULL if it does not end. */
static const char *
skip_value(const char *at, const char *end)
{
    if (at == end)
        return NULL;
    if (*at == '"')
        return skip_string(at, end);
    if (*at == '{' || *at == '[')
        return skip_brackets(at, end);
    while (at < end && strchr(",]} \t\r\n", *at) == NULL)
        at++;
    return at;
}

bool
layout_scan_depth(Span text, ScanFault *fault)
{
    size_t depth = 0;

    for (const char *at = text.start; at < text.end; at++) {
        if (*at == '"') {
            at = skip_string(at, text.end);
            if (at == NULL)
                return fail_at(fault, text.end, "a string does not end");
            at--;
        } else if (*at == '{' || *at == '[') {
            if (++depth > LAYOUT_DEPTH_LIMIT)
                return fail_at(fault, at, "nested too deep (limit 64)");
        } else if ((*at == '}' || *at == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

bool
layout_scan_begin(Scan *scan, Span text, char open, ScanFault *fault)
{
    const char *at = skip_space(text.start, text.end);

    fault->what[0] = '\0';
    *scan = (Scan){
        .at = at + 1,
        .end = text.end,
        .close = open == '{' ? '}' : ']',
        .first = true,
        .fault = fault,
    };
    if (at == text.end || *at != open)
        return fail_at(fault, at,
                       open == '{' ? "an object is expected here"
                                   : "an array is expected here");
    return true;
}

static bool
scan_name(Scan *scan, Span *name)
{
    const char *at = scan->at;

    if (at == scan->end || *at != '"')
        return fail_at(scan->fault, at, "a name in quotes is expected here");
    name->start = at;
    name->end = skip_string(at, scan->end);
    if (name->end == NULL)
        return fail_at(scan->fault, scan->end, "a string does not end");
    at = skip_space(name->end, scan->end);
    if (at == scan->end || *at != ':')
        return fail_at(scan->fault, at, "a colon is expected here");
    scan->at = skip_space(at + 1, scan->end);
    return true;
}

bool
layout_scan_next(Scan *scan, Span *name, Span *value)
{
    const char *at = skip_space(scan->at, scan->end);

    if (at < scan->end && *at == scan->close) {
        scan->at = at + 1;
        return false;
    }
    if (!scan->first) {
        if (at == scan->end || *at != ',')
            return fail_at(scan->fault, at,
                           at == scan->end ? "the text is cut off here"
                                           : "a comma is expected here");
        at = skip_space(at + 1, scan->end);
    }
    scan->first = false;
    scan->at = at;
    if (name != NULL && !scan_name(scan, name))
        return false;
    value->start = scan->at;
    value->end = skip_value(scan->at, scan->end);
    if (value->end == NULL)
        return fail_at(scan->fault, scan->end, "the text is cut off here");
    if (value->end == value->start)
        return fail_at(scan->fault, value->start, "a value is expected here");
    scan->at = value->end;
    return true;
}

bool
layout_scan_rest(Scan *scan)
{
    const char *at = skip_space(scan->at, scan->end);

    return at == scan->end ||
           fail_at(scan->fault, at, "something follows the end");
}

bool
layout_span_is(Span span, const char *name)
{
    size_t length = strlen(name);

    return (size_t)(span.end - span.start) == length + 2 &&
           memcmp(span.start + 1, name, length) == 0;
}

bool
layout_span_text(Span span, char *text, size_t capacity)
{
    size_t length = (size_t)(span.end - span.start);

    if (length < 2 || *span.start != '"' || length - 2 >= capacity ||
        memchr(span.start, '\\', length) != NULL)
        return false;
    memcpy(text, span.start + 1, length - 2);
    text[length - 2] = '\0';
    return true;
}

void
layout_manifest_look(const char *text, size_t size, ManifestLook *look)
{
    Span whole = {text, text + size}, name, value;
    bool is_index = false, is_image = false;
    ScanFault fault;
    Scan scan;

    *look = (ManifestLook){.has_subject = false};
    if (!layout_scan_begin(&scan, whole, '{', &fault))
        return;
    while (layout_scan_next(&scan, &name, &value)) {
        if (layout_span_is(name, "mediaType"))
            layout_span_text(value, look->media_type, sizeof look->media_type);
        else if (layout_span_is(name, "subject"))
            look->has_subject = *value.start == '{';
        else if (layout_span_is(name, "manifests"))
            is_index = *value.start == '[';
        else if (layout_span_is(name, "layers"))
            is_image = *value.start == '[';
    }
    if (look->media_type[0] == '\0' && (is_index || is_image))
        snprintf(look->media_type, sizeof look->media_type,
                 "application/vnd.oci.image.%s.v1+json",
                 is_index ? "index" : "manifest");
}
