# Installs the build into a folder of its own, builds examples/run_model against it there, and runs
# it on the digits demo.
#   cmake -DBUILD=<build folder> -DSOURCE=<repository> -DWORK=<scratch folder> -P run.cmake
function(step)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE out ERROR_VARIABLE err)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGN} ended with ${status}:\n${out}${err}")
  endif()
  set(output "${out}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
step(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
step(${CMAKE_COMMAND} -G Ninja -S ${SOURCE}/examples/run_model -B ${WORK}/build
     -DCMAKE_PREFIX_PATH=${WORK}/prefix -DCMAKE_CXX_FLAGS=${FLAGS})
step(${CMAKE_COMMAND} --build ${WORK}/build)
step(${WORK}/build/run_model ${SOURCE}/demo/data/digits_traced.pt ${WORK}/digits.onnx)
if(NOT output MATCHES "output_0: -?[0-9]" OR NOT EXISTS ${WORK}/digits.onnx)
  message(FATAL_ERROR "run_model printed:\n${output}")
endif()
step(${WORK}/prefix/bin/tenon inspect ${WORK}/digits.onnx)
