# semcodec_proto(TARGET NAME): proto/NAME.proto as a library of generated code, in a target of its own,
# without our warnings; seen by whom links it, as "NAME.pb.h".
function(semcodec_proto target name)
  set(_proto ${PROJECT_SOURCE_DIR}/proto/${name}.proto)
  set(_generated ${CMAKE_CURRENT_BINARY_DIR}/generated)
  file(MAKE_DIRECTORY ${_generated})
  add_custom_command(
    OUTPUT ${_generated}/${name}.pb.cc ${_generated}/${name}.pb.h
    COMMAND protobuf::protoc --cpp_out=${_generated} -I ${PROJECT_SOURCE_DIR}/proto ${_proto}
    DEPENDS ${_proto} VERBATIM)
  add_library(${target} STATIC ${_generated}/${name}.pb.cc ${_generated}/${name}.pb.h)
  set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden
                                             VISIBILITY_INLINES_HIDDEN ON)
  target_include_directories(${target} SYSTEM PUBLIC ${_generated})
  target_link_libraries(${target} PUBLIC protobuf::libprotobuf-lite)
endfunction()
