#pragma once
#include "../torch.h"

#include <cstdint>
#include <exception>
#include <string>

namespace lvm {

// Maps a part of a file; pages are read on first access. If the file is truncated meanwhile, missing pages read as zeros instead
// of raising SIGBUS, and the file counts as changed.
// Errors: FILE_MISSING, FILE_ACCESS, DATA_CHANGED when the file is too short
torch::Tensor map_file(const std::string& path, int64_t offset, at::IntArrayRef shape, torch::Dtype dtype);

// Checks size and modification time of the file below a mapped tensor; any other tensor passes.
// Errors: DATA_CHANGED
void require_unchanged(const torch::Tensor& tensor);

// Number of missing pages so far, over all mapped files. Work during which it grew has read zeros.
uint64_t missing_pages();
// DATA_CHANGED, which names the file with the most recent missing page.
std::exception_ptr missing_page_error();

}  // namespace lvm
