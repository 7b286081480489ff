# What is installed where, and the Debian package made of it (scripts/package).

# The programs look for their configuration in /etc, wherever they stand themselves.
set(CMAKE_INSTALL_SYSCONFDIR /etc CACHE PATH "Where the configuration goes")
include(GNUInstallDirs)

set(packaging_dir ${PROJECT_SOURCE_DIR}/config)
set(packaging_out ${PROJECT_BINARY_DIR}/packaging)

# -- programs ------------------------------------------------------------------------------------------------------------

install(TARGETS ssoferry RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ssoferryd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})

# -- configuration, unit, user and directories ---------------------------------------------------------------------------

install(FILES ${packaging_dir}/ssoferryd.yaml DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/ssoferry)

file(READ ${packaging_dir}/ssoferryd.service unit)
string(REPLACE "=/usr/sbin/" "=${CMAKE_INSTALL_FULL_SBINDIR}/" unit "${unit}")
file(CONFIGURE OUTPUT ${packaging_out}/ssoferryd.service CONTENT "${unit}" @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${packaging_dir}/ssoferryd.service)
install(FILES ${packaging_out}/ssoferryd.service ${packaging_dir}/ssoferryd.socket DESTINATION lib/systemd/system)
install(FILES ${packaging_dir}/deb/sysusers.conf DESTINATION lib/sysusers.d RENAME ssoferry.conf)
install(FILES ${packaging_dir}/deb/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME ssoferry.conf)

# -- manual, documents, completion ---------------------------------------------------------------------------------------

file(GLOB man_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.[1-9])
foreach(source IN LISTS man_sources)
    get_filename_component(name ${source} NAME)
    string(REGEX MATCH "[1-9]$" section ${name})
    set(page ${packaging_out}/${name}.gz)
    add_custom_command(OUTPUT ${page} COMMAND gzip -9 -n -c ${source} > ${page} DEPENDS ${source} VERBATIM)
    list(APPEND man_pages ${page})
    install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
add_custom_target(man_pages ALL DEPENDS ${man_pages})

file(GLOB documents CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/*.md)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${packaging_dir}/deb/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs) # where README.md looks for them
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/charts DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
install(FILES ${packaging_dir}/connections.example.yaml DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES ${packaging_dir}/deploy/kubernetes.yaml DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

install(DIRECTORY ${packaging_dir}/balancers DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(DIRECTORY ${packaging_dir}/monitoring DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(bash_completions ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${packaging_dir}/completions/ssoferry.bash DESTINATION ${bash_completions} RENAME ssoferry)
install(FILES ${packaging_dir}/completions/ssoferryd.bash DESTINATION ${bash_completions} RENAME ssoferryd)
# Debian's zsh looks there under /usr, and in site-functions under /usr/local.
if(CMAKE_INSTALL_PREFIX STREQUAL /usr)
    set(zsh_completions ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
else()
    set(zsh_completions ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
endif()
install(FILES ${packaging_dir}/completions/_ssoferry DESTINATION ${zsh_completions})

# -- the package ---------------------------------------------------------------------------------------------------------

set(SSOFERRY_MAINTAINER "ssoferry <ssoferry@localhost>" CACHE STRING "Who the Debian package says maintains it")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ssoferry)
set(CPACK_PACKAGE_VERSION ${SSOFERRY_VERSION})
set(CPACK_PACKAGE_VENDOR ssoferry)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "gateway from old SAML sign-on addresses to Stytch")
set(CPACK_PACKAGE_DESCRIPTION
"ssoferryd answers the SAML messages that customers' identity providers go on
posting to the addresses of an old single sign-on system, with a redirect to
the Stytch connection that replaced it.

ssoferry fills the table of connections from YAML files, shows beforehand what
would change, and takes a change back.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${SSOFERRY_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# libh2o's structures may change from one revision of a distribution to the next, and the library's name tells nothing of it: so the package goes
# with the very revision that it was compiled for.
find_program(DPKG_QUERY dpkg-query)
if(DPKG_QUERY)
    file(REAL_PATH ${H2O_LINK_LIBRARIES} library)
    execute_process(COMMAND ${DPKG_QUERY} -S ${library} OUTPUT_VARIABLE owner ERROR_QUIET)
    if(owner MATCHES "^([^:]+):")
        set(package ${CMAKE_MATCH_1})
        execute_process(COMMAND ${DPKG_QUERY} -W -f \${Version} ${package} OUTPUT_VARIABLE version COMMAND_ERROR_IS_FATAL ANY)
        set(same_libh2o "${package} (= ${version})")
    endif()
endif()
# postinst calls systemd-sysusers and systemd-tmpfiles, which a machine or an image without systemd has from packages of their own.
string(JOIN ", " CPACK_DEBIAN_PACKAGE_DEPENDS
    ${same_libh2o}
    "init-system-helpers (>= 1.54)"
    "systemd | systemd-standalone-sysusers | systemd-sysusers"
    "systemd | systemd-standalone-tmpfiles | systemd-tmpfiles")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${packaging_dir}/deb/conffiles ${packaging_dir}/deb/postinst ${packaging_dir}/deb/prerm ${packaging_dir}/deb/postrm)
include(CPack)
