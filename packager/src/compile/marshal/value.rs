//! Marshal values: an arena of nodes in which every child stands before its parents.
//!
//! A node holds a value, not the form it was written in: an integer is the same whichever of `i`, `I`, `l` held it, a
//! float is its bits, a string is its UTF-8 bytes (surrogates as the error handler `surrogatepass` writes them)
//! whichever of `t u a A z Z` held it. Bytes and strings are borrowed from the input.
//!
//! What must hold: a [`NodeId`] is used only with the arena that gave it, or one made from that by mapping all ids.

/// Set on a type code: the object takes the next reference index.
pub(super) const FLAG_REF: u8 = 0x80;

/// `MAX_MARSHAL_STACK_DEPTH` of CPython; it refuses to load what is deeper.
pub(super) const MAX_DEPTH: u16 = 2000;

/// Index of a node in its arena. Made only by the arena that it indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(u32);

impl NodeId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Node<'a> {
    None,
    False,
    True,
    StopIteration,
    Ellipsis,
    Int(i32),
    /// Outside the range of `i32`. Digits in base 2^15, least significant first, the last one not 0.
    Long { negative: bool, digits: Box<[u16]> },
    /// Bits of the IEEE 754 double.
    Float(u64),
    Complex(u64, u64),
    Bytes(&'a [u8]),
    Str(&'a [u8]),
    Tuple(Box<[NodeId]>),
    List(Box<[NodeId]>),
    /// Key, value, key, value, …
    Dict(Box<[NodeId]>),
    Set(Box<[NodeId]>),
    FrozenSet(Box<[NodeId]>),
    Code(Box<Code>),
}

/// A code object, its fields in the order of the version's [`Layout`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Code {
    pub(super) integers: Box<[u32]>,
    pub(super) firstlineno: u32,
    pub(super) objects: Box<[NodeId]>,
}

impl Node<'_> {
    pub(super) fn children(&self) -> &[NodeId] {
        match self {
            Self::Tuple(items) | Self::List(items) | Self::Dict(items) | Self::Set(items) | Self::FrozenSet(items) => {
                items
            }
            Self::Code(code) => &code.objects,
            _ => &[],
        }
    }

    pub(super) fn children_mut(&mut self) -> &mut [NodeId] {
        match self {
            Self::Tuple(items) | Self::List(items) | Self::Dict(items) | Self::Set(items) | Self::FrozenSet(items) => {
                items
            }
            Self::Code(code) => &mut code.objects,
            _ => &mut [],
        }
    }
}

/// Nodes, each one after all its children.
#[derive(Debug, Default)]
pub(super) struct Arena<'a> {
    pub(super) nodes: Vec<Node<'a>>,
}

impl<'a> Arena<'a> {
    /// There are never more nodes than 32 bits can count: the reader refuses inputs above 2 GiB, a node costs a byte,
    /// and merging adds one.
    pub(super) fn push(&mut self, node: Node<'a>) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        id
    }

    pub(super) fn get(&self, id: NodeId) -> &Node<'a> {
        &self.nodes[id.index()]
    }
}

#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub(super) arena: Arena<'a>,
    /// Always a [`Node::Code`].
    pub(super) root: NodeId,
}
