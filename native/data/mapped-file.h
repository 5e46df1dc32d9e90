#pragma once
#include "../torch.h"

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

namespace lvm {

// Elements of a matrix that lie together in a file. Units: bytes.
struct Stretch {
  std::string path;
  int64_t offset, bytes;
};

// Maps stretches of one or several files as one tensor; pages are read on first access. If a file is truncated meanwhile, missing
// pages read as zeros instead of raising SIGBUS, and the file counts as changed. A page that two stretches share is copied, and
// so is a stretch whose offset does not fit its place in memory. Errors: FILE_MISSING, FILE_ACCESS, DATA_CHANGED when a file is
// too short
torch::Tensor map_files(const std::vector<Stretch>& stretches, at::IntArrayRef shape, torch::Dtype dtype);

// Checks size and modification time of the files below a mapped tensor; any other tensor passes. Long work calls it for each
// block of rows, which also keeps the resident pages few. Errors: DATA_CHANGED
void require_unchanged(const torch::Tensor& tensor);

// Keeps the resident pages of mapped files few; called after each piece of work.
void bound_mapped_memory();

// Number of missing pages so far, over all mapped files. Work during which it grew has read zeros.
uint64_t missing_pages();
// DATA_CHANGED, which names the file with the most recent missing page.
std::exception_ptr missing_page_error();

}  // namespace lvm
