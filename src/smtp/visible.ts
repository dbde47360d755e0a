// Octets made visible. Peer text and user text pass here before a terminal or a message sees them: control octets,
// what lies outside ASCII, and characters that hide or reorder text come out as \xNN or \u{N}.

// Printable ASCII stays, the backslash is doubled so that an escape cannot be forged.
const HIDDEN = /[^\u0020-\u005b\u005d-\u007e]/gu;

/** The text with every character but printable ASCII written as an escape: `\r`, `\n`, `\t`, `\\`, `\xNN`, `\u{N}`. */
export function visible(text: string): string {
  return text.replaceAll(HIDDEN, escapeCharacter);
}

function escapeCharacter(character: string): string {
  switch (character) {
    case '\r':
      return '\\r';
    case '\n':
      return '\\n';
    case '\t':
      return '\\t';
    case '\\':
      return '\\\\';
    default: {
      const point = character.codePointAt(0) ?? 0;
      return point < 256 ? `\\x${point.toString(16).padStart(2, '0')}` : `\\u{${point.toString(16)}}`;
    }
  }
}
