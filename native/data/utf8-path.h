#pragma once
#include <filesystem>
#include <string>

namespace lvm {

// Converts a UTF-8 path from Node. Windows would read a narrow string in its code page.
inline std::filesystem::path path_of(const std::string& utf8) {
  return std::filesystem::path(std::u8string(utf8.begin(), utf8.end()));
}

}  // namespace lvm
