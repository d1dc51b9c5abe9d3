#pragma once

namespace sd {

/// The program's version, "0.1.0".
const char* program_version();

/// The commit it was built from, in hexadecimal, with "+" where files were changed; empty where
/// there was no repository.
const char* program_commit();

/// Of the LibTorch that it was built with, "2.11.0".
const char* torch_version();

}  // namespace sd
