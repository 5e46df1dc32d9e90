#include "shared-state.h"

#include "../checkpoint/pt-writer.h"
#include "shared-memory.h"

#include <cstring>

namespace lvm {

// Every rank gets as many elements, rounded to whole grains so that an update computes the same as that of a single process.
std::vector<std::vector<int64_t>> cuts_of(const std::vector<Tensor>& tensors, int size) {
  std::vector<std::vector<int64_t>> cuts;
  int64_t total = 0, before = 0;
  for (const auto& tensor : tensors) total += tensor.numel();
  for (const auto& tensor : tensors) {
    const auto n = tensor.numel();
    auto& own = cuts.emplace_back();
    for (int r = 0; r <= size; ++r) {
      const auto at = std::clamp<int64_t>(total / size * r + total % size * r / size - before, 0, n);
      own.push_back(at == n ? n : std::min(n, (at + grain / 2) / grain * grain));
    }
    before += n;
  }
  return cuts;
}

Tensor part_of(const Slot& slot, const Tensor& whole, int rank) {
  const auto from = slot.cuts[size_t(rank)], to = slot.cuts[size_t(rank) + 1];
  return whole.view(-1).narrow(0, from, to - from);
}

void SharedState::share_weights() {
  size_t bytes = 0;
  std::vector<c10::StorageImpl*> storages;
  for (const auto& slot : optimizer.slots) {
    auto* storage = slot.value.storage().unsafeGetStorageImpl();
    if (std::find(storages.begin(), storages.end(), storage) != storages.end()) continue;
    storages.push_back(storage);
    bytes += whole_lines(storage->nbytes());
  }
  const auto memory = bytes == 0 ? nullptr : shared_memory(*ranks, bytes);
  if (!memory) return;
  auto* at = static_cast<char*>(memory.get());
  for (auto* storage : storages) {
    if (ranks->rank == 0) std::memcpy(at, storage->data(), storage->nbytes());
    auto* owner = new std::shared_ptr<void>(memory);
    storage->set_data_ptr_noswap(
      {at, owner, [](void* owner) { delete static_cast<std::shared_ptr<void>*>(owner); }, torch::kCPU});
    at += whole_lines(storage->nbytes());
  }
  meet(*ranks);
  seen_by_all = true;
}

void SharedState::give_weights() {
  if (seen_by_all) return meet(*ranks);
  const torch::NoGradGuard no_grad;
  std::vector<std::function<void()>> waits;
  std::vector<std::pair<Tensor, std::vector<Tensor>>> packed;
  for (int from = 0; from < ranks->size; ++from) {
    std::vector<Tensor> small;
    for (const auto& slot : optimizer.slots) {
      const auto part = part_of(slot, slot.value.detach(), from);
      if (part.numel() >= grain) waits.push_back(ranks->give(part, from));
      else if (part.numel() > 0) small.push_back(part);
    }
    if (small.empty()) continue;
    const auto flat = torch::cat(small);
    waits.push_back(ranks->give(flat, from));
    if (from != ranks->rank) packed.emplace_back(flat, std::move(small));
  }
  for (const auto& wait : waits) wait();
  for (const auto& [flat, parts] : packed) {
    int64_t at = 0;
    for (const auto& part : parts) {
      part.copy_(flat.narrow(0, at, part.numel()));
      at += part.numel();
    }
  }
}

void SharedState::swap_average() {
  if (seen_by_all) meet(*ranks);  // nobody reads the weights
  optimizer.swap_average();
  give_weights();
}

Tensor& SharedState::own(size_t slot, int64_t which) {
  auto& s = optimizer.slots[slot];
  return which == 0 ? s.m : which == 1 ? s.v : s.average;
}

// A tensor that is as large as the weight and has no memory yet.
Tensor SharedState::promised(size_t slot, int64_t which) {
  const auto& own = this->own(slot, which);
  const auto& value = optimizer.slots[slot].value;
  const auto bytes = size_t(value.numel()) * own.element_size();
  c10::Storage storage(c10::make_intrusive<c10::StorageImpl>(c10::StorageImpl::use_byte_size_t(), bytes,
                                                             at::DataPtr(nullptr, torch::kCPU), nullptr, false));
  const auto* key = storage.unsafeGetStorageImpl();
  auto tensor =
    at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKeySet(c10::DispatchKey::CPU), own.dtype());
  tensor.unsafeGetTensorImpl()->set_sizes_contiguous(value.sizes());
  places[key] = {slot, which, tensor};
  return tensor;
}

std::vector<SharedState::Whole> SharedState::whole() {
  places.clear();
  std::vector<Whole> all;
  for (size_t i = 0; i < optimizer.slots.size(); ++i) {
    const auto& slot = optimizer.slots[i];
    all.push_back({slot.name, promised(i, 0), promised(i, 1), slot.average.defined() ? promised(i, 2) : Tensor()});
  }
  return all;
}

void SharedState::ask(int64_t slot, int64_t which) {
  const auto question = torch::tensor({slot, which}, torch::kInt64);
  for (int rank = 1; rank < ranks->size; ++rank) ranks->send(question, rank);
}

void SharedState::fill(const Tensor& tensor) {
  const auto found = places.find(tensor.storage().unsafeGetStorageImpl());
  if (found == places.end()) return;
  const auto& [slot, which, whole] = found->second;
  tensor.storage().unsafeGetStorageImpl()->set_data_ptr_noswap(
    c10::GetAllocator(torch::kCPU)->allocate(tensor.storage().nbytes()));
  ask(int64_t(slot), which);
  const auto& s = optimizer.slots[slot];
  part_of(s, whole, 0).copy_(own(slot, which));
  for (int rank = 1; rank < ranks->size; ++rank)
    if (const auto part = part_of(s, whole, rank); part.numel() > 0) ranks->receive(part, rank);
}

void SharedState::write(const std::string& path, const c10::IValue& value) {
  const torch::NoGradGuard no_grad;
  const auto release = [&](const Tensor& tensor) {
    auto* storage = tensor.storage().unsafeGetStorageImpl();
    if (places.count(storage) > 0) storage->set_data_ptr_noswap(at::DataPtr(nullptr, torch::kCPU));
  };
  try {
    write_pt(path, value, [this](const Tensor& tensor) { fill(tensor); }, release);
  } catch (...) {
    ask(-1, 0);
    throw;
  }
  places.clear();
  ask(-1, 0);
}

void SharedState::serve() {
  const torch::NoGradGuard no_grad;
  const auto question = torch::zeros({2}, torch::kInt64);
  for (;;) {
    ranks->receive(question, 0);
    const auto slot = question[0].item<int64_t>();
    if (slot < 0) return;
    if (const auto& part = own(size_t(slot), question[1].item<int64_t>()); part.numel() > 0) ranks->send(part, 0);
  }
}

}  // namespace lvm
