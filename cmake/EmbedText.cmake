# embed_text(TARGET FILE SYMBOL NAMESPACE): the file's text as `extern const std::string_view SYMBOL`, compiled into TARGET.
function(embed_text target file symbol namespace)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.cpp)
  add_custom_command(OUTPUT ${out}
                     COMMAND ${CMAKE_COMMAND} -DIN=${CMAKE_CURRENT_SOURCE_DIR}/${file} -DOUT=${out} -DSYMBOL=${symbol}
                             -DNAMESPACE=${namespace} -P ${PROJECT_SOURCE_DIR}/cmake/embed_text_run.cmake
                     DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file} ${PROJECT_SOURCE_DIR}/cmake/embed_text_run.cmake)
  target_sources(${target} PRIVATE ${out})
endfunction()
