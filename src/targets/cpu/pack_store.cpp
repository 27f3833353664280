#include "targets/cpu/pack_store.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace tenon::cpu {

std::shared_ptr<std::byte> aligned_bytes(size_t bytes) {
  const size_t rounded = aligned(bytes) + 64;
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(64, rounded));
  if (memory == nullptr) throw std::bad_alloc();
  std::memset(memory, 0, rounded);
  return {memory, [](std::byte* p) { std::free(p); }};
}

PackStore::PackStore(PackStore&& other) noexcept
    : entries_(std::move(other.entries_)), made_(other.made_) {}

PackStore& PackStore::operator=(PackStore&& other) noexcept {
  entries_ = std::move(other.entries_);
  made_ = other.made_;
  return *this;
}

Result<std::shared_ptr<const std::byte>> PackStore::pack(
    const Operand& operand, const std::string& key, size_t bytes,
    const std::function<Status(std::byte*)>& fill) {
  const bool keeps = operand.value != nullptr && operand.value->is_constant();
  std::pair<std::string, std::string> id;
  if (keeps) {
    id = {operand.value->name, key};
    std::lock_guard lock(mutex_);
    auto it = entries_.find(id);
    if (it != entries_.end() && it->second.bytes >= bytes) {
      it->second.used = true;
      return it->second.data;
    }
  }
  auto memory = aligned_bytes(bytes);
  TRY(fill(memory.get()));
  if (keeps) {
    std::lock_guard lock(mutex_);
    ++made_;
    entries_[id] = {memory, bytes, true};
  }
  return std::shared_ptr<const std::byte>(memory);
}

void PackStore::add(std::string constant, std::string key, Packed packed) {
  std::lock_guard lock(mutex_);
  entries_[{std::move(constant), std::move(key)}] = std::move(packed);
}

void PackStore::merge(const PackStore& other) {
  std::lock_guard lock(mutex_);
  for (const auto& [id, packed] : other.entries_) entries_.try_emplace(id, packed);
  made_ += other.made_;
}

std::map<std::pair<std::string, std::string>, Packed> PackStore::entries() const {
  std::lock_guard lock(mutex_);
  return entries_;
}

size_t PackStore::bytes() const {
  std::lock_guard lock(mutex_);
  size_t sum = 0;
  for (const auto& [id, packed] : entries_) sum += packed.bytes;
  return sum;
}

}  // namespace tenon::cpu
