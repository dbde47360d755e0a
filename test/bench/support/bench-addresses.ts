// Which mail host is where: domain d<N>.test has the mail host mx<N>.test, and that an address of 127.0.0.0/8.

/** The domain of this number, from 1. */
export const domainOf = (number: number): string => `d${number}.test`;

/** The mail host of this number. */
export const hostOf = (number: number): string => `mx${number}.test`;

/** The address of this number's mail host: up to 126 * 65,536 of them, all private to this machine. */
export function addressOf(number: number): readonly [number, number, number, number] {
  return [127, 1 + (number >> 16), (number >> 8) & 0xff, number & 0xff];
}

/** The number whose mail host has this address. */
export function numberAt(address: string): number {
  const [, second = 0, third = 0, fourth = 0] = address.split('.').map(Number);
  return ((second - 1) << 16) | (third << 8) | fourth;
}
