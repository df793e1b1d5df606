# SPDX-License-Identifier: GPL-3.0-or-later
# Picks entries of apt's sources, and makes them of another type (deb, deb-src) or for another suite.
#
# In:  a file of sources.list.d, in the one-line format or (deb822=1) in stanzas; known: lines "URI SUITE" of those that
#      are wanted; type: what they are to be; suite: the suite to name in place of theirs, where it is not empty.
# Out: the wanted ones, with their options untouched.

BEGIN {
	n = split(known, lines, "\n")
	for (i = 1; i <= n; i++)
		wanted[lines[i]] = 1
	if (deb822)
		RS = ""
}

function is_wanted(uri, suite) {
	sub("/$", "", uri)
	return (uri " " suite) in wanted
}

# The value of a field that stands on one line, as URIs and Suites do.
function field(stanza, name,    lines, n, i) {
	n = split(stanza, lines, "\n")
	for (i = 1; i <= n; i++)
		if (tolower(lines[i]) ~ "^" name ":")
			return substr(lines[i], length(name) + 2)
	return ""
}

# One stanza for each URI and suite, and whatever else the stanza says.
function convert_stanza(stanza,    uris, suites, nuris, nsuites, rest, lines, n, i, j) {
	if (tolower(field(stanza, "enabled")) ~ /no|false|off|0/)
		return
	n = split(stanza, lines, "\n")
	rest = ""
	for (i = 1; i <= n; i++)
		if (lines[i] !~ /^#/ && tolower(lines[i]) !~ /^(types|uris|suites):/)
			rest = rest lines[i] "\n"
	nuris = split(field(stanza, "uris"), uris, " ")
	nsuites = split(field(stanza, "suites"), suites, " ")
	for (i = 1; i <= nuris; i++)
		for (j = 1; j <= nsuites; j++)
			if (is_wanted(uris[i], suites[j]))
				printf "Types: %s\nURIs: %s\nSuites: %s\n%s\n", type, uris[i],
					suite ? suite : suites[j], rest
}

# What stands between the type and the URI, in brackets, is kept.
function convert_line(line,    options, plain, words, rest, n, i) {
	options = match(line, /\[[^]]*\]/) ? substr(line, RSTART, RLENGTH) " " : ""
	plain = line
	sub(/\[[^]]*\]/, "", plain)
	n = split(plain, words, " ")
	if (!is_wanted(words[2], words[3]))
		return
	rest = ""
	for (i = 4; i <= n; i++)
		rest = rest " " words[i]
	print type " " options words[2] " " (suite ? suite : words[3]) rest
}

deb822 { convert_stanza($0) }
!deb822 && /^[ \t]*deb[ \t]/ { convert_line($0) }
