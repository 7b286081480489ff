# Turns assets/ into one C file with the operator's page in it, byte for byte: the page is admin.html with the CSS, and the
# scripts as one, in place of the elements that name them. Only CMake is needed. It is run by:
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

# In the order in which the page names them, each on a line of its own.
set(scripts dom rows summary table lists admin)

# A browser would read these otherwise than they stand (CR and NUL are rewritten, the rest end or nest the element), so that the hash would not fit.
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

# Hexadecimal digits to a C initializer's values, 20 a line.
function(to_bytes hex out)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(REPEAT "0x..," 20 line)
    string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
    set(${out} "${bytes}" PARENT_SCOPE)
endfunction()

# Cuts `hex` at the one place where `element` stands.
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
