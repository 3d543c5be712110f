/** Whether a text may have parameters, written `$1`; true also where that stands in a literal. */
export function takesParams(text: string): boolean {
  return /\$\d/.test(text)
}
