// Profiles as JSON: {"x": {"min": [1, 3], "opt": [4, 3], "max": [8, 3]}}.
#pragma once

#include <nlohmann/json.hpp>

#include "targets/tensorrt/profile.h"

namespace tenon::tensorrt {

inline nlohmann::ordered_json profile_json(const Profile& profile) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (const ProfileShape& shape : profile)
    out[shape.input] = {{"min", shape.min}, {"opt", shape.opt}, {"max", shape.max}};
  return out;
}

inline nlohmann::ordered_json profiles_json(const std::vector<Profile>& profiles) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const Profile& profile : profiles) out.push_back(profile_json(profile));
  return out;
}

}  // namespace tenon::tensorrt
