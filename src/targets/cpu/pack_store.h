// Packed constants: made by kernels, kept by the engine, stored in plans.
#pragma once

#include <map>
#include <mutex>

#include "targets/cpu/kernel.h"

namespace tenon::cpu {

struct Packed {
  std::shared_ptr<const std::byte> data;
  size_t bytes = 0;
  bool used = false;  // since it was loaded
};

class PackStore : public Packer {
 public:
  PackStore() = default;
  PackStore(PackStore&& other) noexcept;
  PackStore& operator=(PackStore&& other) noexcept;

  Result<std::shared_ptr<const std::byte>> pack(
      const Operand& operand, const std::string& key, size_t bytes,
      const std::function<Status(std::byte*)>& fill) override;

  // Kept under the constant's name and the key that the kernel gave.
  void add(std::string constant, std::string key, Packed packed);
  // Takes over what another store has and this one has not.
  void merge(const PackStore& other);
  std::map<std::pair<std::string, std::string>, Packed> entries() const;
  size_t bytes() const;
  // How many constants had to be packed because no stored form fitted.
  int made() const { return made_; }

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Packed> entries_;
  int made_ = 0;
};

// 64-byte aligned, zeroed.
std::shared_ptr<std::byte> aligned_bytes(size_t bytes);

}  // namespace tenon::cpu
