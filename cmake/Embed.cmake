# Writes OUTPUT, a C file with the bytes of FILES (full paths of .cl files) as
# arrays, and the two functions that find them: FUNCTION_text(name) and
# FUNCTION_comment(name), the comment at the top without its stars.
#   cmake -DOUTPUT=... -DFUNCTION=... -DHEADER=... -DFILES=a.cl,b.cl -P Embed.cmake

function(bytes_of text variable)
    file(WRITE "${OUTPUT}.part" "${text}")
    file(READ "${OUTPUT}.part" hex HEX)
    file(REMOVE "${OUTPUT}.part")
    string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
    set(${variable} "${hex}0x00" PARENT_SCOPE)
endfunction()

set(arrays "")
set(rows "")
string(REPLACE "," ";" FILES "${FILES}")
foreach(path IN LISTS FILES)
    get_filename_component(name "${path}" NAME_WE)
    file(READ "${path}" text)
    string(FIND "${text}" "*/" end)
    math(EXPR end "${end} - 1")
    string(SUBSTRING "${text}" 3 ${end} comment)
    string(REGEX REPLACE "\n \\*/?" "\n" comment "\n${comment}")
    string(REGEX REPLACE "\n " "\n" comment "${comment}")
    string(REGEX REPLACE "\n[*/ ]*$" "\n" comment "${comment}")
    string(REGEX REPLACE "^\n+" "" comment "${comment}")
    string(REGEX REPLACE "SPDX[^\n]*\n\n?" "" comment "${comment}")
    file(READ "${path}" hex HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
    bytes_of("${comment}" comment_hex)
    string(APPEND arrays "static const char ${name}_text[] = {\n${hex}0x00};\n"
                         "static const char ${name}_comment[] = {\n${comment_hex}};\n")
    string(APPEND rows "    {\"${name}\", ${name}_text, ${name}_comment},\n")
endforeach()

file(WRITE "${OUTPUT}" "/* Made from the kernels by cmake/Embed.cmake. */
#include \"${HEADER}\"

#include <stddef.h>
#include <string.h>

${arrays}
static const struct {
    const char *name, *text, *comment;
} kernels[] = {
${rows}};

enum { COUNT = sizeof(kernels) / sizeof(kernels[0]) };

const char *${FUNCTION}_text(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(kernels[i].name, name) == 0)
            return kernels[i].text;
    return NULL;
}

const char *${FUNCTION}_comment(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(kernels[i].name, name) == 0)
            return kernels[i].comment;
    return NULL;
}
")
