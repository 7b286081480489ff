# Turns assets/ into one C file that holds the operator's page byte for byte: admin.html, in which the CSS and the joined
# scripts replace the elements that name them. Needs only CMake. Run it by:
#
#   set(admin_page_parts ${CMAKE_CURRENT_BINARY_DIR}/admin_page_parts.c)
#   file(GLOB admin_page_assets CONFIGURE_DEPENDS assets/*)
#   add_custom_command(OUTPUT ${admin_page_parts}
#       COMMAND ${CMAKE_COMMAND} -DASSETS=${CMAKE_CURRENT_SOURCE_DIR}/assets -DOUTPUT=${admin_page_parts} -P ${CMAKE_CURRENT_SOURCE_DIR}/embed.cmake
#       DEPENDS embed.cmake ${admin_page_assets}
#       VERBATIM)
#   target_include_directories(ssoferry_serve PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})   # the generated file includes admin_page.h
#
# with admin_page.c and ${admin_page_parts} among the library's SOURCES.
cmake_minimum_required(VERSION 3.22)

# The scripts in the page's order; each element that names one is on its own line.
set(scripts dom rows summary table lists admin)

# A browser would read these differently (it rewrites CR and NUL; the others end or nest the element), so the hash would not match.
function(check_embeddable name bytes)
    file(READ ${ASSETS}/${name} text)
    string(TOLOWER "${text}" text)
    foreach(word IN ITEMS "</style" "</script" "<!--")
        string(FIND "${text}" "${word}" at)
        if(NOT at EQUAL -1)
            message(FATAL_ERROR "${name}: must not hold ${word}")
        endif()
    endforeach()
    foreach(byte IN ITEMS 0x00 0x0d)
        string(FIND "${bytes}" "${byte}," at)
        if(NOT at EQUAL -1)
            message(FATAL_ERROR "${name}, or one embedded with it: must not hold the byte ${byte}")
        endif()
    endforeach()
endfunction()

# Turns hexadecimal digits into the values of a C initializer, 20 per line.
function(to_bytes hex out)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(REPEAT "0x..," 20 line)
    string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
    set(${out} "${bytes}" PARENT_SCOPE)
endfunction()

# Splits `hex` at the single occurrence of `element`.
function(cut hex element before after)
    string(HEX "${element}" marker)
    string(LENGTH "${marker}" size)
    string(FIND "${hex}" "${marker}" at)
    string(FIND "${hex}" "${marker}" last REVERSE)
    math(EXPR odd "${at} % 2")
    if(at EQUAL -1 OR NOT at EQUAL last OR odd)
        message(FATAL_ERROR "admin.html: must hold this once:\n${element}")
    endif()
    string(SUBSTRING "${hex}" 0 ${at} head)
    math(EXPR at "${at} + ${size}")
    string(SUBSTRING "${hex}" ${at} -1 tail)
    set(${before} "${head}" PARENT_SCOPE)
    set(${after} "${tail}" PARENT_SCOPE)
endfunction()

file(READ ${ASSETS}/admin.html html HEX)
file(READ ${ASSETS}/admin.css css HEX)
set(script "")
set(script_elements "")
foreach(name IN LISTS scripts)
    file(READ ${ASSETS}/${name}.js hex HEX)
    string(APPEND script "${hex}")
    string(APPEND script_elements "<script src=\"${name}.js\"></script>\n")
endforeach()

cut("${html}" "<link rel=\"stylesheet\" href=\"admin.css\">" html_head html_rest)
cut("${html_rest}" "${script_elements}" html_middle html_tail)
string(HEX "<style>" style_start)
string(HEX "</style>" style_end)
string(HEX "<script>" script_start)
string(HEX "</script>\n" script_end)
string(APPEND html_head "${style_start}")
set(html_middle "${style_end}${html_middle}${script_start}")
set(html_tail "${script_end}${html_tail}")

set(parts html_head css html_middle script html_tail)
set(source "/* Made by embed.cmake of assets/. */\n#include \"admin_page.h\"\n")
set(fields "")
foreach(part IN LISTS parts)
    to_bytes("${${part}}" ${part}_bytes)
    string(APPEND source "\nstatic const unsigned char ${part}[] = {\n${${part}_bytes}\n};\n")
    string(APPEND fields "    .${part} = {(const char *)${part}, sizeof(${part})},\n")
endforeach()
check_embeddable(admin.css "${css_bytes}")
foreach(name IN LISTS scripts)
    check_embeddable(${name}.js "${script_bytes}")
endforeach()
string(APPEND source "\nconst struct admin_page_parts admin_page_parts = {\n${fields}};\n")
file(WRITE ${OUTPUT} "${source}")
