/**
 * Owns a bin of java.util.HashMap that a long chain of colliding keys has turned into a tree: the order in which its entries are
 * iterated, which rotations of the tree change (the root comes first). Source: java.util.HashMap.TreeNode.
 */

export type BinNode<T> = {
  readonly entry: T;
  readonly hash: number;
  next: BinNode<T> | undefined;
  prev: BinNode<T> | undefined;
  parent: BinNode<T> | undefined;
  left: BinNode<T> | undefined;
  right: BinNode<T> | undefined;
  isRed: boolean;
};

export type Compare<T> = (a: T, b: T) => number;

export function binNode<T>(entry: T, hash: number): BinNode<T> {
  return { entry, hash, next: undefined, prev: undefined, parent: undefined, left: undefined, right: undefined, isRed: false };
}

/** Makes a tree of the nodes that follow `first`, whose `prev` are set. Returns the node that is then the first. */
export function treeify<T>(first: BinNode<T>, compare: Compare<T>): BinNode<T> {
  let root: BinNode<T> | undefined;
  for (let node: BinNode<T> | undefined = first; node !== undefined; node = node.next) {
    node.left = undefined;
    node.right = undefined;
    node.parent = undefined;
    node.isRed = false;
    if (root === undefined) root = node;
    else root = insertUnder(findParent(root, node, compare), node, { root, compare });
  }
  return rootToFront(first, root ?? first);
}

/** Puts a node into the tree whose root is `first`: in the list it follows its parent. Returns the first node. */
export function putTreeNode<T>(first: BinNode<T>, node: BinNode<T>, compare: Compare<T>): BinNode<T> {
  const parent = findParent(first, node, compare);
  const behind = parent.next;
  node.next = behind;
  node.prev = parent;
  parent.next = node;
  if (behind !== undefined) behind.prev = node;
  return rootToFront(first, insertUnder(parent, node, { root: first, compare }));
}

function rootToFront<T>(first: BinNode<T>, root: BinNode<T>): BinNode<T> {
  if (root === first) return root;
  const { prev, next } = root;
  if (next !== undefined) next.prev = prev;
  if (prev !== undefined) prev.next = next;
  first.prev = root;
  root.next = first;
  root.prev = undefined;
  return root;
}

function goesLeft<T>(node: BinNode<T>, under: BinNode<T>, compare: Compare<T>): boolean {
  if (node.hash !== under.hash) return node.hash < under.hash;
  return compare(node.entry, under.entry) <= 0;
}

function findParent<T>(root: BinNode<T>, node: BinNode<T>, compare: Compare<T>): BinNode<T> {
  let parent = root;
  for (;;) {
    const child = goesLeft(node, parent, compare) ? parent.left : parent.right;
    if (child === undefined) return parent;
    parent = child;
  }
}

/** Returns the root after balancing. */
function insertUnder<T>(
  parent: BinNode<T>,
  node: BinNode<T>,
  tree: { readonly root: BinNode<T>; readonly compare: Compare<T> },
): BinNode<T> {
  node.parent = parent;
  if (goesLeft(node, parent, tree.compare)) parent.left = node;
  else parent.right = node;
  return balance(tree.root, node);
}

function balance<T>(start: BinNode<T>, inserted: BinNode<T>): BinNode<T> {
  let root = start;
  let node = inserted;
  node.isRed = true;
  for (;;) {
    const { parent } = node;
    if (parent === undefined) {
      node.isRed = false;
      return node;
    }
    const grand = parent.parent;
    if (!parent.isRed || grand === undefined) return root;
    const isLeft = parent === grand.left;
    const uncle = isLeft ? grand.right : grand.left;
    if (uncle?.isRed === true) {
      uncle.isRed = false;
      parent.isRed = false;
      grand.isRed = true;
      node = grand;
      continue;
    }
    if (node === (isLeft ? parent.right : parent.left)) {
      node = parent;
      root = rotate(root, node, isLeft ? 'left' : 'right');
    }
    root = lift(root, node, isLeft);
  }
}

/** Colours parent and grandparent of the node, and turns the grandparent below the parent. */
function lift<T>(root: BinNode<T>, node: BinNode<T>, isLeft: boolean): BinNode<T> {
  const { parent } = node;
  if (parent === undefined) return root;
  parent.isRed = false;
  const grand = parent.parent;
  if (grand === undefined) return root;
  grand.isRed = true;
  return rotate(root, grand, isLeft ? 'right' : 'left');
}

/** Returns the root, which is another one where `node` was it. */
function rotate<T>(root: BinNode<T>, node: BinNode<T>, side: 'left' | 'right'): BinNode<T> {
  const riser = side === 'left' ? node.right : node.left;
  if (riser === undefined) return root;
  const inner = side === 'left' ? riser.left : riser.right;
  if (side === 'left') node.right = inner;
  else node.left = inner;
  if (inner !== undefined) inner.parent = node;
  const above = node.parent;
  riser.parent = above;
  if (side === 'left') riser.left = node;
  else riser.right = node;
  node.parent = riser;
  if (above === undefined) {
    riser.isRed = false;
    return riser;
  }
  if (above.left === node) above.left = riser;
  else above.right = riser;
  return root;
}
