/**
 * A double as text: the shortest digits that are read back as the same number, always with a point or an exponent, as
 * DuckDB writes it: `1.0`, `0.0001`, `1e-05`, `1e+16`.
 */
export function doubleText(value: number): string {
  const [digits = '', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const sign = exponent < 0 ? '-' : '+';
    return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const text = String(value);
  return text.includes('.') ? text : `${text}.0`;
}
