#pragma once
#include <filesystem>
#include <string>

namespace lvm {

// A path as Node has it, in UTF-8: Windows would take a narrow string for one in its code page.
inline std::filesystem::path path_of(const std::string& utf8) {
  return std::filesystem::path(std::u8string(utf8.begin(), utf8.end()));
}

}  // namespace lvm
